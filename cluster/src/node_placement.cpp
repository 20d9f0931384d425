#include <algorithm>

#include "coterie/cluster/node_core.hpp"
#include "coterie/sharding/balance_planner.hpp"

namespace coterie::cluster {

/// With more lanes there are fewer beats on each.
Duration NodeCore::silence() const {
  return placement_silence * static_cast<std::int64_t>(1 + lanes_up_.size() / beat_lanes);
}

namespace {

bool has_role(const membership::NodeTraits& traits, const std::string& role) {
  return role.empty() ||
         std::find(traits.roles.begin(), traits.roles.end(), role) != traits.roles.end();
}

}  // namespace

/// Everybody who registered entity types, this node first. While a new build is rolled out they are
/// not the same everywhere: docs/adr/0014.
std::vector<sharding::PlaceableNode> NodeCore::placeable_nodes(Instant now) const {
  std::vector<sharding::PlaceableNode> out;
  const auto add = [&](sharding::PlaceableNode node, const membership::NodeTraits& traits) {
    node.weight = traits.weight;
    node.zone = traits.zone;
    const auto wish = wishes_.find(node.name);
    node.cordoned = wish != wishes_.end() && wish->second == "cordoned";
    node.draining = is_drained(node.name) || !has_role(traits, config_.placement.role);
    const auto settling = settling_.find(node.name);
    if (settling != settling_.end()) {
      const auto up_for = now - settling->second.up_since;
      node.settled = up_for >= settling->second.needs;
      node.arrives = up_for < settle_first;
    }
    out.push_back(std::move(node));
  };
  if (config_.entity_types != 0)
    add({.name = config_.name,
         .disk = config_.stored.disk,
         .start = config_.start,
         .up = !old_copy_,
         .leaving = leaving_,
         .slow = disk_.slow()},
        config_.traits);
  for (const auto& [name, meta] : metas_) {
    if (meta.entity_types == 0 || meta.disk == 0) continue;
    const auto* const member = swim_.members().find(name);
    if (member == nullptr) continue;
    sharding::PlaceableNode node{.name = name, .disk = meta.disk, .start = meta.start};
    const auto heard = heard_.find(name);
    const bool speaks = heard != heard_.end() && now - heard->second < silence();
    node.up = member->is_present() && (speaks || !table_.formed());
    const auto broke = broken_.find(name);
    node.dead = !node.up && broke != broken_.end() && now - broke->second < dead_for;
    node.leaving = leaving_peers_.contains(name);
    node.slow = slow_peers_.contains(name);
    node.gone = !member->is_present() && now - earliest(member->changed, now) >= replace_after;
    add(std::move(node), meta.traits);
  }
  return out;
}

/// Who fell while it was not settled yet, or soon after, has to be up longer the next time.
void NodeCore::settle(const std::vector<sharding::PlaceableNode>& nodes, Instant now) {
  for (const auto& node : nodes) {
    auto [found, fresh] = settling_.try_emplace(node.name, Settling{.up_since = now});
    auto& settling = found->second;
    const bool up = node.up && !node.leaving && !node.slow;
    if (up && !settling.up && !fresh) {
      const bool soon = now - settling.up_since < settling.needs + settle_limit;
      settling.needs = soon ? std::min(settling.needs * 2, settle_limit) : settle_first;
      settling.up_since = now;
    }
    settling.up = up;
  }
}

/// The coordinator: one batch for whatever is not as it should be; else the next steps to what is
/// even.
void NodeCore::tick_placement(Instant now, NodeEffects& out) {
  // Who stood still itself has heard nobody meanwhile: what they said waits to be read. Only the
  // pause counts, or a late tick now and then would be an alibi for the dead.
  if (const auto late = now - ticked_ - placement_silence / 2; late > Duration::zero())
    for (auto& [name, at] : heard_) at = std::max(at, earliest(now, at + late));
  ticked_ = now;
  if (now >= look_at_) look_at_ = never, next_placement_ = now;
  if (!leads_registers() || now < next_placement_) return;
  next_placement_ = now + placement_interval;
  if (!table_.formed()) return;
  settle(placeable_nodes(now), now);
  auto nodes = placeable_nodes(now);
  // Nothing was to be done for the same table and the same nodes: both plans are pure.
  const bool known = even_ && even_->first == table_version() && even_->second == nodes;
  std::vector<replication::Swap> swaps;
  if (!known) swaps = sharding::plan_replicas(table_.registers, nodes, config_.placement);
  end_late_moves(swaps, now);
  if (swaps.empty() && !known) {
    swaps = sharding::plan_balance(table_.registers, nodes, config_.placement);
    even_.reset();
    if (swaps.empty()) even_.emplace(table_version(), std::move(nodes));
  }
  if (swaps.empty()) return;
  report(swaps, out);
  take(store_->compare_and_swap(next_token_++, swaps, 0), now, out);
}

std::uint64_t NodeCore::table_version() const {
  std::uint64_t version = 0;
  for (const auto& entry : table_.registers) version += entry.epoch.value;
  return version;
}

void NodeCore::report(const std::vector<replication::Swap>& swaps, NodeEffects& out) const {
  std::map<std::string, std::size_t> lost;
  std::size_t moves = 0, copies = 0;
  for (const auto& swap : swaps) {
    const auto& before = table_.at(swap.shard);
    if (before.primary != swap.desired.primary) ++lost[before.primary];
    moves += swap.desired.moves() && !before.moves() ? 1 : 0;
    copies += swap.desired.replicas.size() > before.replicas.size() ? 1 : 0;
  }
  for (const auto& [name, count] : lost)
    out.emplace_back(LogEvent{LogLevel::warning, "node '" + name + "' is silent: others lead its " +
                                                     std::to_string(count) + " shards"});
  if (moves + copies > 0)
    out.emplace_back(LogEvent{LogLevel::info, std::to_string(moves) + " shards change hands, " +
                                                  std::to_string(copies) + " get another copy"});
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

/// What operators want of nodes spreads by gossip, so that every later coordinator knows it.
void NodeCore::on_shared(const gossip::SharedView& view) {
  if (view.key.kind != gossip::SharedKind::map || view.key.name != wishes_name) return;
  wishes_.clear();
  for (std::size_t i = 0; i < view.items.size(); ++i) wishes_[view.items[i]] = view.values[i];
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
