#include <algorithm>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

/// With more lanes there are fewer beats on each.
Duration NodeCore::silence() const {
  return placement_silence * static_cast<std::int64_t>(1 + lanes_up_.size() / beat_lanes);
}

/// Everybody who registered the cluster's entity types, this node first.
std::vector<sharding::PlaceableNode> NodeCore::placeable_nodes(Instant now) const {
  std::vector<sharding::PlaceableNode> out;
  auto digest = table_.entity_types != 0 ? table_.entity_types : config_.entity_types;
  if (config_.entity_types != 0)
    out.push_back({.name = config_.name,
                   .disk = config_.stored.disk,
                   .start = config_.start,
                   .up = !old_copy_,
                   .leaving = leaving_});
  for (const auto& [name, meta] : metas_) {
    if (meta.entity_types == 0 || meta.disk == 0) continue;
    if (digest == 0) digest = meta.entity_types;
    const auto* const member = swim_.members().find(name);
    if (meta.entity_types != digest || member == nullptr) continue;
    sharding::PlaceableNode node{.name = name, .disk = meta.disk, .start = meta.start};
    const auto heard = heard_.find(name);
    const bool speaks = heard != heard_.end() && now - heard->second < silence();
    node.up = member->is_present() && (speaks || !table_.formed());
    node.leaving = leaving_peers_.contains(name);
    node.gone = !member->is_present() && now - earliest(member->changed, now) >= replace_after;
    out.push_back(std::move(node));
  }
  return out;
}

/// The coordinator: one batch for whatever is not as it should be.
void NodeCore::tick_placement(Instant now, NodeEffects& out) {
  // Who stood still itself has heard nobody meanwhile: what they said waits to be read. Only the
  // pause counts, or a late tick now and then would be an alibi for the dead.
  if (const auto late = now - ticked_ - placement_silence / 2; late > Duration::zero())
    for (auto& [name, at] : heard_) at = std::max(at, earliest(now, at + late));
  ticked_ = now;
  if (!leads_registers() || now < next_placement_) return;
  next_placement_ = now + placement_interval;
  if (!table_.formed()) return;
  auto swaps = sharding::plan_replicas(table_.registers, placeable_nodes(now), config_.placement);
  end_late_moves(swaps, now);
  if (swaps.empty()) return;
  std::map<std::string, std::size_t> lost;
  for (const auto& swap : swaps)
    if (const auto& before = table_.at(swap.shard).primary; before != swap.desired.primary)
      ++lost[before];
  for (const auto& [name, count] : lost)
    out.emplace_back(LogEvent{LogLevel::warning, "node '" + name + "' is silent: others lead its " +
                                                     std::to_string(count) + " shards"});
  take(store_->compare_and_swap(next_token_++, swaps, 0), now, out);
}

/// Each planned move comes to its end or is given up: a copy may never catch up.
void NodeCore::end_late_moves(std::vector<replication::Swap>& swaps, Instant now) {
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& entry = table_.registers[i];
    if (!entry.moves()) {
      moving_.erase(ShardId{i});
      continue;
    }
    const auto [move, fresh] = moving_.try_emplace(ShardId{i}, entry.successor, now);
    if (move->second.first != entry.successor) move->second = {entry.successor, now};
    if (now - move->second.second < move_limit) continue;
    const bool changes = std::any_of(swaps.begin(), swaps.end(),
                                     [&](const auto& swap) { return swap.shard.value == i; });
    if (changes) continue;
    auto desired = entry;
    desired.epoch = next(entry.epoch);
    desired.successor = {};
    swaps.push_back({ShardId{i}, entry.epoch, std::move(desired)});
  }
}

NodeEffects NodeCore::propose(replication::Swap swap, Instant now) {
  proposals_[swap.shard] = std::move(swap);
  propose_at_ = earliest(propose_at_, now + propose_interval);
  return finish({}, now);
}

void NodeCore::tick_proposals(Instant now, NodeEffects& out) {
  if (now < propose_at_) return;
  propose_at_ = never;
  std::vector<replication::Swap> swaps;
  for (auto& [shard, swap] : std::exchange(proposals_, {})) swaps.push_back(std::move(swap));
  submit(std::move(swaps), now, out);
}

}  // namespace coterie::cluster
