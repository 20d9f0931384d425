#include <algorithm>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {
namespace {

constexpr Duration claim_pause =
    1s;  // a swap whose answer does not come is asked again: it can land only once

}  // namespace

/// What is on disk, or a group of its own for who formed the cluster: with the registers that a
/// disk of format 1 holds, or none.
void NodeCore::open_store(Instant now) {
  auto stored = config_.stored.raft;
  const replication::raft::MemberId self{config_.name, config_.stored.disk};
  if (config_.stored.founder && stored.snapshot.index == replication::raft::Index{}) {
    auto first = replication::RaftMetaStore::founded(
        self, {config_.stored.entity_types, config_.stored.registers});
    if (stored.hard.term < first.hard.term) stored.hard = first.hard;
    stored.snapshot = std::move(first.snapshot);
  }
  store_.emplace(config_.raft, self, std::move(stored), random_.split(), now);
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i)
    table_.merge(ShardId{i}, store_->get(ShardId{i}));
  if (table_.entity_types == 0) table_.entity_types = store_->state().entity_types();
  table_changed();
}

std::string NodeCore::registers_leader() const {
  if (leads_registers()) return config_.name;
  const bool heard = store_ && !store_->raft().leader().node.empty();
  if (heard && (announced_leader_.empty() || store_->raft().term().value >= announced_term_))
    return store_->raft().leader().node;
  if (!announced_leader_.empty()) return announced_leader_;
  for (const auto& [name, meta] : metas_)
    if (meta.leads_registers && meta.cluster == cluster_ && present(name)) return name;
  return {};
}

void NodeCore::submit(std::vector<replication::Swap> swaps, Instant now, NodeEffects& out) {
  if (leads_registers()) return take(store_->compare_and_swap(next_token_++, swaps, 0), now, out);
  const auto lane = links_.lane_to(registers_leader(), 0);
  if (links_.is_up(lane))
    send_control(lane, wire::FrameKind::meta_swap, replication::encode_swaps(next_token_++, swaps));
}

/// A register of a time when directories had no numbers names none. Ours it can be only if this is
/// the first start of ours that is confirmed, and there were more starts before than it had seen:
/// an empty directory counts from 1, and is confirmed at once.
bool NodeCore::is_own_disk(const replication::Register& entry) const {
  if (entry.disk != 0) return replication::same_directory(entry.disk, config_.stored.disk);
  return config_.stored.confirmed_life == 0 && config_.start > entry.start;
}

/// Level-triggered: what the table says this node owns, but under another life, is claimed with the
/// next epoch. Under a later one, too, once the registers confirmed again that this directory is
/// the newest copy of itself.
void NodeCore::claim(Instant now, NodeEffects& out) {
  if (config_.entity_types == 0 || !table_.formed() || now < claim_at_ ||
      life_.step != Life::Step::known)
    return;
  std::vector<replication::Swap> swaps;
  std::string stale;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& entry = table_.registers[i];
    if (entry.primary != config_.name) continue;
    if (!is_own_disk(entry)) {
      stale = "its shards were led from another data directory, and their only copy is there";
      continue;
    }
    if (entry.start == config_.start && entry.disk != 0) continue;
    if (entry.start > life_.cleared && entry.start > config_.start) {
      doubt_life(entry.start);
      continue;
    }
    // By the name that it had: whether that copy is sound its worker finds out.
    const replication::raft::MemberId self{config_.name,
                                           entry.disk == 0 ? config_.stored.disk : entry.disk};
    auto desired = entry.led_by(self, config_.start, replication::Rule::restarted);
    if (entry.disk == 0)  // of a time when the only copy was its primary's
      desired.in_sync = desired.replicas = {self};
    swaps.push_back({ShardId{i}, entry.epoch, std::move(desired)});
  }
  if (!stale.empty() && stale_disk_.empty())
    out.emplace_back(LogEvent{LogLevel::error, "'" + config_.name + "': " + stale +
                                                   "; they stay unavailable until the newest copy "
                                                   "of it is back"});
  stale_disk_ = stale;
  claim_at_ = swaps.empty() ? never : now + claim_pause;
  if (swaps.empty()) return;
  submit(std::move(swaps), now, out);
}

NodeEffects NodeCore::move(ShardId shard, const std::string& to, Instant now) {
  NodeEffects out;
  const auto& current = table_.at(shard);
  if (!table_.formed()) return out;
  for (const auto& node : placeable_nodes(now)) {
    if (node.name != to || !node.up || replication::same_directory(current.leader(), node.id()))
      continue;
    auto desired = current;
    desired.epoch = next(current.epoch);
    const auto* const copy = replication::latest_of(current.replicas, node.id());
    desired.successor = copy != nullptr ? *copy : node.id();
    if (copy == nullptr) {
      if (desired.replicas.size() >= replication::planned_shard_members) return out;
      desired.replicas.push_back(desired.successor);
    }
    submit({{shard, current.epoch, std::move(desired)}}, now, out);
  }
  return finish(std::move(out), now);
}

NodeEffects NodeCore::force_primary(ShardId shard, const std::string& to, Instant now) {
  NodeEffects out;
  const auto& current = table_.at(shard);
  for (const auto& node : placeable_nodes(now)) {
    const auto* const copy = replication::latest_of(current.replicas, node.id());
    if (node.name != to || !node.up || copy == nullptr) continue;
    auto desired = current.led_by(*copy, node.start, replication::Rule::forced);
    desired.in_sync = {*copy};
    desired.min_in_sync = 1;
    out.emplace_back(LogEvent{LogLevel::error, "shard " + std::to_string(shard.value) +
                                                   " is forced to '" + to +
                                                   "' by an operator: what only others "
                                                   "acknowledged is given up"});
    submit({{shard, current.epoch, std::move(desired)}}, now, out);
  }
  return finish(std::move(out), now);
}

void NodeCore::on_results(const std::vector<replication::SwapResult>& results) {
  for (const auto& result : results)
    if (result.shard == replication::life_register) {
      if (result.current.leader() == replication::raft::MemberId{config_.name, config_.stored.disk})
        life_.seen = result.current.epoch;
    } else if (result.shard.value < sharding::shard_count)
      if (table_.merge(result.shard, result.current)) table_changed();
}

NodeEffects NodeCore::raft_persisted(std::uint64_t batch, Instant now) {
  NodeEffects out;
  disk_.written(batch, now);
  if (store_ && !old_copy_) take(store_->persisted(batch, now), now, out);
  return finish(std::move(out), now);
}

void NodeCore::on_meta_swap(const messaging::Frame& frame, Instant now, NodeEffects& out) {
  std::uint64_t asker_token = 0;
  std::vector<replication::Swap> swaps;
  if (!replication::decode_swaps(frame.bytes.subspan(wire::frame_prefix_bytes), asker_token, swaps))
    return void(out.emplace_back(
        LogEvent{LogLevel::warning, "a batch of register changes did not decode"}));
  // Its asker tries again, with who leads or when the disk has caught up.
  if (!leads_registers() || swap_askers_.size() >= max_open_swaps) return;
  const auto token = next_token_++;
  swap_askers_[token] = {frame.lane, asker_token};
  auto effects = store_->compare_and_swap(token, swaps, 0);
  if (effects.empty()) swap_askers_.erase(token);  // refused: it asks again
  take(std::move(effects), now, out);
}

void NodeCore::take(replication::MetaEffects&& effects, Instant now, NodeEffects& out) {
  for (auto& effect : effects) {
    if (auto* send = std::get_if<replication::raft::Send>(&effect)) {
      const auto lane = links_.lane_to(send->message.to.node, 0);
      if (links_.is_up(lane))
        send_control(lane, wire::FrameKind::raft, replication::raft::encode(send->message));
    } else if (auto* persist = std::get_if<replication::raft::Persist>(&effect)) {
      disk_.asked(persist->batch, now);
      out.emplace_back(std::move(*persist));
    } else if (const auto* swapped = std::get_if<replication::Swapped>(&effect)) {
      on_swapped(*swapped);
    } else if (const auto* leader = std::get_if<replication::raft::LeaderChanged>(&effect)) {
      on_leader(*leader, now, out);
    } else if (const auto* changed = std::get_if<replication::RegistersChanged>(&effect)) {
      std::vector<replication::SwapResult> results;
      for (const auto& [shard, value] : changed->registers) {
        table_.merge(shard, value);
        results.push_back({shard, false, value});
      }
      const bool formed = table_.formed();
      if (!formed) table_.entity_types = changed->entity_types;
      table_changed();
      if (!formed && leads_registers()) next_voters_ = now;  // others may learn them now
      // What changed, and no more; a beat shows who missed it.
      const auto body = replication::encode_results(0, results);
      if (leads_registers())
        for (const auto& [lane, peer] : lanes_up_) {
          if (formed) send_control(lane, wire::FrameKind::meta_result, body);
          else send_table(lane);  // it also says which entity types there are
        }
    }
  }
  hasten_voters(now);
}

void NodeCore::on_swapped(const replication::Swapped& swapped) {
  const auto asker = swap_askers_.find(swapped.token);
  if (asker == swap_askers_.end()) return on_results(swapped.results);
  send_control(asker->second.lane, wire::FrameKind::meta_result,
               replication::encode_results(asker->second.token, swapped.results));
  swap_askers_.erase(asker);
}

/// Who asked the old leader asks again, at once if the new one is known.
void NodeCore::on_leader(const replication::raft::LeaderChanged& leader, Instant now,
                         NodeEffects& out) {
  const bool led = next_voters_ != never;
  swap_askers_.clear();
  placing_ = false;
  moving_.clear();
  settling_.clear();
  learners_ = {};
  voters_change_ = false;
  even_.reset();
  ask_again();
  next_voters_ = never;
  if (leads_registers()) {
    next_voters_ = leads_since_ = now;
    out.emplace_back(LogEvent{LogLevel::info, "this node leads the placement registers, term " +
                                                  std::to_string(leader.term.value)});
    for (const auto& [lane, peer] : lanes_up_) {
      announce(lane);
      if (table_.formed()) send_table(lane);  // what we learned while we did not lead
    }
  } else if (led) {
    out.emplace_back(LogEvent{LogLevel::info, "this node leads the placement registers no longer"});
  }
  if (led || leads_registers()) publish_meta(now, out);
}

void NodeCore::announce(messaging::LaneId lane) {
  Bytes body;
  append_le(body, store_->raft().term().value);
  const auto& voters = store_->raft().configuration().voters;
  const auto& peer = lanes_up_.at(lane);
  body.push_back(
      std::any_of(voters.begin(), voters.end(), [&](const auto& id) { return id.node == peer; })
          ? 1
          : 0);
  send_control(lane, wire::FrameKind::leader, body);
}

void NodeCore::on_announced(const std::string& leader, ByteView body, Instant now) {
  const auto term = load_le<std::uint64_t>(body.data());
  if (term < announced_term_) return;
  told_to_vote_.reset();
  if (body.size() > sizeof term) told_to_vote_ = body[sizeof term] != 0;
  announced_at_ = now;
  announced_term_ = term;
  announced_leader_ = leader;
  ask_again();
}

void NodeCore::merge(const sharding::ShardTable& other) {
  if (table_.merge(other)) table_changed();
}

void NodeCore::publish_routes(Instant now, NodeEffects& out) {
  routes_dirty_ = false;
  next_publish_ = now + publish_interval;
  auto routes = std::make_shared<Routes>();
  routes->cluster = cluster_;
  routes->table = table_;
  routes->opens = life_.step == Life::Step::known;
  for (const auto& [name, meta] : metas_)
    if (meta.cluster == cluster_ || !meta.cluster.is_set())  // it may be adopting ours just now
      routes->peers.push_back({name, meta.link, meta.data_workers, meta.start, present(name),
                               meta.disk, slow_peers_.contains(name)});
  out.emplace_back(PublishRoutes{std::move(routes)});
}

}  // namespace coterie::cluster
