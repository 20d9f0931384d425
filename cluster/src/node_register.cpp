#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {
namespace {

constexpr Duration claim_pause =
    1s;  // a swap whose answer does not come is asked again: it can land only once

}  // namespace

std::string NodeCore::register_host() const {
  if (hosts_register_) return config_.name;
  for (const auto& [name, meta] : metas_)
    if (meta.hosts_register && meta.cluster == cluster_ && present(name)) return name;
  return {};
}

void NodeCore::submit(std::vector<replication::Swap> swaps, Instant now, NodeEffects& out) {
  if (host_) return take(host_->compare_and_swap(next_token_++, std::move(swaps)), now, out);
  const auto lane = links_.lane_to(register_host(), 0);
  if (links_.is_up(lane))
    send_control(lane, wire::FrameKind::meta_swap, replication::encode_swaps(next_token_++, swaps));
}

/// Level-triggered: what the table says this node owns, but under an earlier life, is claimed with
/// the next epoch.
void NodeCore::claim(Instant now, NodeEffects& out) {
  if (config_.entity_types == 0 || !table_.formed() || (claim_retry_ && now < *claim_retry_))
    return;
  std::vector<replication::Swap> swaps;
  bool stale = false;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& entry = table_.registers[i];
    if (entry.primary != config_.name || entry.start == config_.start) continue;
    if (entry.start > config_.start) {
      stale = true;
      continue;
    }
    auto desired = entry;
    desired.epoch = next(entry.epoch);
    desired.start = config_.start;
    swaps.push_back({ShardId{i}, entry.epoch, std::move(desired)});
  }
  if (stale && !stale_disk_)
    out.emplace_back(
        LogEvent{LogLevel::error,
                 "this data directory is an old copy: the register knows a later life of '" +
                     config_.name + "'; its shards stay unavailable. Restore the newest copy"});
  stale_disk_ = stale;
  claim_retry_.reset();
  if (swaps.empty()) return;
  claim_retry_ = now + claim_pause;
  submit(std::move(swaps), now, out);
}

NodeEffects NodeCore::transfer(ShardId shard, const std::string& to, Instant now) {
  NodeEffects out;
  const auto& current = table_.at(shard);
  if (!table_.formed() || current.primary == to) return out;
  submit({{shard,
           current.epoch,
           {.epoch = next(current.epoch), .primary = to, .in_sync = {to}, .replicas = {to}}}},
         now, out);
  return finish(std::move(out), now);
}

void NodeCore::on_results(const std::vector<replication::SwapResult>& results) {
  for (const auto& result : results)
    if (result.shard.value < sharding::shard_count)
      routes_dirty_ |= table_.merge(result.shard, result.current);
}

NodeEffects NodeCore::registers_persisted(std::uint64_t batch, Instant now) {
  NodeEffects out;
  if (host_) take(host_->persisted(batch), now, out);
  return finish(std::move(out), now);
}

void NodeCore::take(replication::MetaEffects&& effects, Instant, NodeEffects& out) {
  for (auto& effect : effects) {
    if (auto* persist = std::get_if<replication::PersistRegisters>(&effect)) {
      out.emplace_back(std::move(*persist));
    } else if (const auto* swapped = std::get_if<replication::Swapped>(&effect)) {
      const auto asker = swap_askers_.find(swapped->token);
      if (asker == swap_askers_.end()) {
        on_results(swapped->results);
      } else {
        send_control(
            asker->second, wire::FrameKind::meta_result,
            replication::encode_results(swap_tokens_.at(swapped->token), swapped->results));
        swap_askers_.erase(asker);
      }
      swap_tokens_.erase(swapped->token);
    } else if (const auto* changed = std::get_if<replication::RegistersChanged>(&effect)) {
      for (const auto& [shard, value] : changed->registers) table_.merge(shard, value);
      table_.entity_types = config_.cluster_types;
      links_.set_entity_types(table_.entity_types);
      routes_dirty_ = true;
      for (const auto& [lane, peer] : lanes_up_) send_table(lane);
    }
  }
}

void NodeCore::merge(const sharding::ShardTable& other) {
  if (!table_.merge(other)) return;
  links_.set_entity_types(table_.entity_types);
  routes_dirty_ = true;
}

void NodeCore::publish_routes(NodeEffects& out) {
  routes_dirty_ = false;
  auto routes = std::make_shared<Routes>();
  routes->cluster = cluster_;
  routes->table = table_;
  for (const auto& [name, meta] : metas_)
    if (meta.cluster == cluster_ || !meta.cluster.is_set())  // it may be adopting ours just now
      routes->peers.push_back({name, meta.link, meta.data_workers, meta.start, present(name)});
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& entry = table_.registers[i];
    if (entry.primary == config_.name && entry.start == config_.start && config_.entity_types != 0)
      routes->lead.emplace_back(ShardId{i}, entry.epoch);
  }
  out.emplace_back(PublishRoutes{std::move(routes)});
}

}  // namespace coterie::cluster
