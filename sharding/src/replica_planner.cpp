#include "coterie/sharding/replica_planner.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "coterie/replication/register_state.hpp"
#include "coterie/sharding/planner.hpp"

namespace coterie::sharding {
namespace {

using replication::Register;
using Member = replication::raft::MemberId;

bool holds(const std::vector<Member>& set, const Member& member) {
  return std::find(set.begin(), set.end(), member) != set.end();
}

std::uint32_t min_in_sync(const Register& entry, const PlacementConfig& config) {
  const auto copies = static_cast<std::uint32_t>(entry.replicas.size());
  return std::min(config.min_in_sync, copies > 1 ? copies - 1 : 1);
}

class Plan {
 public:
  Plan(const std::vector<Register>& registers, const std::vector<PlaceableNode>& nodes,
       const PlacementConfig& config)
      : nodes_(nodes), config_(config) {
    for (const auto& entry : registers) {
      ++led_[entry.moves() ? entry.successor.node : entry.primary];
      if (entry.moves()) ++moves_[entry.primary], ++moves_[entry.successor.node];
      for (const auto& member : entry.replicas) ++copies_[member.node];
    }
  }

  Register next_of(ShardId shard, const Register& entry) {
    auto desired = entry;
    if (!is_up(entry.leader()) && !succeed(shard, desired)) return entry;
    check_successor(desired);
    place(shard, desired);
    relieve(shard, desired);
    if (const auto wanted = min_in_sync(desired, config_); desired.in_sync.size() >= wanted)
      desired.min_in_sync = std::max(desired.min_in_sync, wanted);
    return desired;
  }

 private:
  [[nodiscard]] const PlaceableNode* find(const Member& member) const {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& node) {
      return node.name == member.node && node.disk == member.disk;
    });
    return found == nodes_.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool is_up(const Member& member) const {
    const auto* node = find(member);
    return node != nullptr && node->up;
  }
  /// A disk that nobody has any more never comes back.
  [[nodiscard]] bool is_gone(const Member& member) const {
    const auto* node = find(member);
    return node == nullptr || node->gone;
  }

  /// Of those in sync that are up, the one that leads least.
  bool succeed(ShardId shard, Register& desired) {
    const auto* const best = heir(shard, desired, true);
    if (best == nullptr) return false;
    --led_[desired.moves() ? desired.successor.node : desired.primary];
    ++led_[best->name];
    desired = desired.led_by({best->name, best->disk}, best->start, replication::Rule::failed_over);
    std::vector<Member> kept;
    auto left = desired.in_sync.size();
    for (const auto& member : desired.in_sync)
      if (is_up(member) || left <= std::max(1u, desired.min_in_sync)) kept.push_back(member);
      else --left;
    desired.in_sync = std::move(kept);
    return true;
  }

  /// Of those in sync that are up, the one that leads least; one that leaves only if it must.
  [[nodiscard]] const PlaceableNode* heir(ShardId shard, const Register& entry, bool may_leave) {
    const PlaceableNode* best = nullptr;
    const auto worth = [&](const PlaceableNode& node) {
      return std::tuple(!node.leaving, -led_[node.name], rendezvous_score(shard, node.name));
    };
    for (const auto& member : entry.in_sync) {
      const auto* node = find(member);
      if (node == nullptr || !node->up || (node->leaving && !may_leave)) continue;
      if (best == nullptr || worth(*node) > worth(*best)) best = node;
    }
    return best;
  }

  /// A move to who is down or leaves has no aim any more.
  void check_successor(Register& desired) {
    if (!desired.moves()) return;
    const auto* const node = find(desired.successor);
    if (node != nullptr && node->up && !node->leaving && holds(desired.replicas, desired.successor))
      return;
    --led_[desired.successor.node];
    ++led_[desired.primary];
    desired.successor = {};
  }

  /// Who leaves leads nothing that another one can lead.
  void relieve(ShardId shard, Register& desired) {
    const auto* const leader = find(desired.leader());
    if (leader == nullptr || !leader->leaving || desired.moves()) return;
    const auto* const best = heir(shard, desired, false);
    if (best == nullptr || moves_[leader->name] >= config_.moves ||
        moves_[best->name] >= config_.moves)
      return;
    ++moves_[leader->name], ++moves_[best->name];
    --led_[leader->name];
    ++led_[best->name];
    desired.successor = {best->name, best->disk};
  }

  void place(ShardId shard, Register& desired) {
    const auto drop = [&](const Member& member) { --copies_[member.node]; };
    std::erase_if(desired.replicas, [&](const auto& member) {
      const bool ends = is_gone(member) && !holds(desired.in_sync, member);
      if (ends) drop(member);
      return ends;
    });
    if (const auto primary = desired.leader(); !holds(desired.replicas, primary))
      desired.replicas.push_back(primary), ++copies_[primary.node];
    // Too few in sync are there to commit anything: whoever is down is not waited for.
    const auto up = std::count_if(desired.in_sync.begin(), desired.in_sync.end(),
                                  [&](const auto& member) { return is_up(member); });
    const bool urgent = static_cast<std::uint32_t>(up) < desired.min_in_sync;
    const auto staying = [&] {
      return static_cast<std::uint32_t>(std::count_if(
          desired.replicas.begin(), desired.replicas.end(),
          [&](const auto& member) { return urgent ? is_up(member) : !is_gone(member); }));
    };
    while (staying() < config_.replicas &&
           desired.replicas.size() < replication::max_shard_members) {
      const auto* best = candidate(shard, desired);
      if (best == nullptr) break;
      desired.replicas.push_back({best->name, best->disk});
      ++copies_[best->name];
    }
    while (staying() > config_.replicas) {
      const auto extra = superfluous(desired);
      drop(*extra);
      desired.replicas.erase(extra);
    }
  }

  /// Who is down, else who is not in sync, else who has the most copies; never the primary, which
  /// then proposes those that are in R no longer out of I.
  [[nodiscard]] std::vector<Member>::iterator superfluous(Register& desired) {
    const auto worth = [&](const Member& member) {
      const bool leads = member == desired.leader() || member == desired.successor;
      return std::tuple(leads, is_up(member), holds(desired.in_sync, member),
                        -copies_[member.node]);
    };
    return std::min_element(
        desired.replicas.begin(), desired.replicas.end(),
        [&](const auto& one, const auto& other) { return worth(one) < worth(other); });
  }

  /// Has no copy yet, and the fewest in all.
  [[nodiscard]] const PlaceableNode* candidate(ShardId shard, const Register& desired) {
    const PlaceableNode* best = nullptr;
    for (const auto& node : nodes_) {
      if (!node.up || node.leaving) continue;
      // Its name may be there with a disk that it lost: the new one is another replica.
      if (holds(desired.replicas, {node.name, node.disk})) continue;
      if (best == nullptr || copies_[node.name] < copies_[best->name] ||
          (copies_[node.name] == copies_[best->name] &&
           rendezvous_score(shard, node.name) > rendezvous_score(shard, best->name)))
        best = &node;
    }
    return best;
  }
  const std::vector<PlaceableNode>& nodes_;
  const PlacementConfig& config_;
  std::map<std::string, int> led_{}, copies_{};
  std::map<std::string, std::uint32_t> moves_{};  ///< under way
};

}  // namespace

std::vector<Register> place_first(const std::vector<PlaceableNode>& nodes,
                                  const PlacementConfig& config) {
  std::vector<std::string> names;
  for (const auto& node : nodes)
    if (node.up) names.push_back(node.name);
  const auto owners = plan_owners(std::vector<std::string>(replication::register_count), names);
  std::vector<Register> out;
  for (const auto& owner : owners) {
    const auto node = std::find_if(nodes.begin(), nodes.end(),
                                   [&](const auto& n) { return n.up && n.name == owner; });
    out.push_back({.epoch = Epoch{1},
                   .primary = owner,
                   .start = node->start,
                   .in_sync = {{owner, node->disk}},
                   .replicas = {{owner, node->disk}},
                   .disk = node->disk});
  }
  Plan plan(out, nodes, config);
  for (std::uint16_t i = 0; i < out.size(); ++i) {
    out[i] = plan.next_of(ShardId{i}, out[i]);
    out[i].in_sync = out[i].replicas;
    out[i].min_in_sync = min_in_sync(out[i], config);
  }
  return out;
}

std::vector<replication::Swap> plan_replicas(const std::vector<Register>& registers,
                                             const std::vector<PlaceableNode>& nodes,
                                             const PlacementConfig& config) {
  std::vector<replication::Swap> out;
  Plan plan(registers, nodes, config);
  for (std::uint16_t i = 0; i < registers.size(); ++i) {
    const auto& entry = registers[i];
    if (entry.epoch == Epoch{}) continue;
    auto desired = plan.next_of(ShardId{i}, entry);
    if (desired == entry) continue;
    desired.epoch = next(entry.epoch);
    out.push_back({ShardId{i}, entry.epoch, std::move(desired)});
  }
  return out;
}

}  // namespace coterie::sharding
