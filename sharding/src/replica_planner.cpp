#include "coterie/sharding/replica_planner.hpp"

#include <map>
#include <tuple>

#include "cluster_view.hpp"
#include "copy_names.hpp"
#include "coterie/replication/register_state.hpp"
#include "coterie/sharding/balance_planner.hpp"

namespace coterie::sharding {
namespace {

std::uint32_t min_in_sync(const Register& entry, const PlacementConfig& config) {
  const auto copies = static_cast<std::uint32_t>(entry.replicas.size());
  return std::min(config.min_in_sync, copies > 1 ? copies - 1 : 1);
}

/// Copies that are missing may be made faster than those that are to be moved.
constexpr std::size_t copies_made_at_once = 4;
/// Of evening out the first plan, of which a few are needed: what is left is moved later.
constexpr int most_first_rounds = 20;

class Plan {
 public:
  Plan(const std::vector<Register>& registers, const std::vector<PlaceableNode>& nodes,
       const PlacementConfig& config)
      : nodes_(nodes), config_(config) {
    for (const auto& entry : registers) {
      ++led_[entry.moves() ? entry.successor.node : entry.primary];
      if (entry.moves()) ++moves_[entry.primary], ++moves_[entry.successor.node];
      for (const auto& member : entry.replicas) ++copies_[member.node];
      copying_ +=
          std::any_of(entry.replicas.begin(), entry.replicas.end(), [&](const auto& member) {
            return !holds(entry.in_sync, member) && nodes_.learns(member);
          });
    }
  }

  Register next_of(ShardId shard, const Register& entry) {
    auto desired = entry;
    if (!nodes_.is_up(entry.leader())) {
      if (!succeed(shard, desired)) return entry;
    } else {
      drop(desired, [&](const auto& member) { return nodes_.is_dead(member); });
    }
    check_successor(desired);
    place(shard, desired);
    relieve(shard, desired);
    if (const auto wanted = min_in_sync(desired, config_); desired.in_sync.size() >= wanted)
      desired.min_in_sync = std::max(desired.min_in_sync, wanted);
    return desired;
  }

 private:
  bool succeed(ShardId shard, Register& desired) {
    const auto* const best = heir(shard, desired, true);
    if (best == nullptr) return false;
    --led_[desired.moves() ? desired.successor.node : desired.primary];
    ++led_[best->name];
    desired = desired.led_by(best->id(), best->start, replication::Rule::failed_over);
    drop(desired, [&](const auto& member) { return !nodes_.is_up(member); });
    return true;
  }

  /// Nobody waits for these any more, as long as enough are left.
  template <class Predicate>
  static void drop(Register& desired, const Predicate& fell) {
    std::vector<Member> kept;
    auto left = desired.in_sync.size();
    for (const auto& member : desired.in_sync)
      if (!fell(member) || left <= std::max(1u, desired.min_in_sync)) kept.push_back(member);
      else --left;
    desired.in_sync = std::move(kept);
  }

  /// Of those in sync that are up, the one that leads least; one that leaves only if it must.
  [[nodiscard]] const PlaceableNode* heir(ShardId shard, const Register& entry, bool must) {
    const PlaceableNode* best = nullptr;
    const auto worth = [&](const PlaceableNode& node) {
      return std::tuple(!node.leaving, !node.slow, !node.draining,
                        !node.cordoned && node.weight > 0, -led_[node.name],
                        rendezvous_score(shard, node.name));
    };
    for (const auto& member : entry.in_sync) {
      const auto at = nodes_.find(member);
      if (at == nobody || !nodes_.at(at).up) continue;
      const auto& node = nodes_.at(at);
      if (!must && !node.takes()) continue;
      if (best == nullptr || worth(node) > worth(*best)) best = &node;
    }
    return best;
  }

  /// A move to who is down or leaves has no aim any more.
  void check_successor(Register& desired) {
    if (!desired.moves()) return;
    const auto at = nodes_.find(desired.successor);
    const auto leader = nodes_.find(desired.leader());
    const bool leaves = leader != nobody && nodes_.at(leader).leaving;
    const bool good = at != nobody && nodes_.at(at).up && !nodes_.at(at).leaving &&
                      !nodes_.at(at).draining && (leaves || !nodes_.at(at).slow) &&
                      holds(desired.replicas, desired.successor);
    if (good) return;
    --led_[desired.successor.node];
    ++led_[desired.primary];
    desired.successor = {};
  }

  /// Who leaves leads nothing that another one can lead, and who is slow nothing that a well one
  /// can.
  void relieve(ShardId shard, Register& desired) {
    const auto at = nodes_.find(desired.leader());
    if (at == nobody || desired.moves()) return;
    const auto& leader = nodes_.at(at);
    if (!leader.leaving && !leader.slow) return;
    const auto* best = heir(shard, desired, false);
    if (best == nullptr) best = heir(shard, desired, true);  // better than nobody
    if (best == nullptr || best->leaving || (best->slow && !leader.leaving)) return;
    if (moves_[leader.name] >= config_.moves || moves_[best->name] >= config_.moves) return;
    ++moves_[leader.name], ++moves_[best->name];
    --led_[leader.name];
    ++led_[best->name];
    desired.successor = best->id();
  }

  void place(ShardId shard, Register& desired) {
    std::erase_if(desired.replicas, [&](const auto& member) {
      const bool ends = nodes_.is_gone(member) && !holds(desired.in_sync, member);
      if (ends) --copies_[member.node];
      return ends;
    });
    if (const auto primary = desired.leader(); !holds(desired.replicas, primary))
      desired.replicas.push_back(primary), ++copies_[primary.node];
    // Too few in sync are there to commit anything: whoever is down is not waited for.
    const auto up = std::count_if(desired.in_sync.begin(), desired.in_sync.end(),
                                  [&](const auto& member) { return nodes_.is_up(member); });
    const bool urgent = static_cast<std::uint32_t>(up) < desired.min_in_sync;
    const auto stays = [&](const Member& member) {
      return urgent ? nodes_.is_up(member) : !nodes_.is_gone(member);
    };
    const auto staying = [&] {
      return static_cast<std::uint32_t>(
          std::count_if(desired.replicas.begin(), desired.replicas.end(), stays));
    };
    while (staying() < config_.replicas &&
           desired.replicas.size() < replication::planned_shard_members) {
      const auto* best = candidate(shard, desired);
      if (best == nullptr || (!urgent && copying_ >= copies_made_at_once * config_.copying)) break;
      ++copying_;
      desired.replicas.push_back(best->id());
      ++copies_[best->name];
    }
  }

  /// Has no copy yet, is in another zone if possible, and has the least by its weight.
  [[nodiscard]] const PlaceableNode* candidate(ShardId shard, const Register& desired) {
    std::size_t best = nobody;
    const auto better = [&](std::size_t a, std::size_t b) {
      const auto zones_a = nodes_.zones_with(desired.replicas, a);
      const auto zones_b = nodes_.zones_with(desired.replicas, b);
      if (zones_a != zones_b) return zones_a > zones_b;
      const auto &one = nodes_.at(a), &other = nodes_.at(b);
      const auto load_a = std::uint64_t{copies_[one.name]} * other.weight;
      const auto load_b = std::uint64_t{copies_[other.name]} * one.weight;
      if (load_a != load_b) return load_a < load_b;
      return rendezvous_score(shard, one.name) > rendezvous_score(shard, other.name);
    };
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      // Its name may be there with a disk that it lost: the new one is another replica.
      if (!nodes_.at(i).takes() || holds(desired.replicas, nodes_.at(i).id())) continue;
      if (best == nobody || better(i, best)) best = i;
    }
    return best == nobody ? nullptr : &nodes_.at(best);
  }

  ClusterView nodes_;
  const PlacementConfig& config_;
  std::map<std::string, int> led_{};
  std::size_t copying_ = 0;                                  ///< shards with a copy that learns
  std::map<std::string, std::uint32_t> copies_{}, moves_{};  ///< moves under way
};

}  // namespace

std::vector<Register> place_first(const std::vector<PlaceableNode>& nodes,
                                  const PlacementConfig& config) {
  const auto owners = first_owners(replication::register_count, nodes);
  std::vector<Register> out;
  for (const auto owner : owners) {
    const auto& node = nodes[owner];
    out.push_back({.epoch = Epoch{1},
                   .primary = node.name,
                   .start = node.start,
                   .in_sync = {node.id()},
                   .replicas = {node.id()},
                   .disk = node.disk,
                   .rule_epoch = Epoch{1}});
  }
  auto at_once = config;
  at_once.copying = replication::register_count;
  Plan plan(out, nodes, at_once);
  for (std::uint16_t i = 0; i < out.size(); ++i) {
    out[i] = plan.next_of(ShardId{i}, out[i]);
    out[i].in_sync = out[i].replicas;
    out[i].min_in_sync = min_in_sync(out[i], config);
  }
  // Nothing has been written yet: what would have to be moved is placed there at once.
  for (int round = 0; round < most_first_rounds; ++round)
    for (const auto& step : plan_balance(out, nodes, at_once)) {
      auto& entry = out[step.shard.value];
      entry.replicas = entry.in_sync = step.desired.replicas;
    }
  return out;
}

std::vector<replication::Swap> plan_replicas(const std::vector<Register>& registers,
                                             const std::vector<PlaceableNode>& nodes,
                                             const PlacementConfig& config) {
  std::vector<replication::Swap> out;
  const auto as_nodes = by_node(registers, nodes);
  Plan plan(as_nodes, nodes, config);
  for (std::uint16_t i = 0; i < registers.size(); ++i) {
    const auto& entry = registers[i];
    if (entry.epoch == Epoch{}) continue;
    auto desired = plan.next_of(ShardId{i}, as_nodes[i]);
    if (desired == as_nodes[i]) continue;
    desired = by_copy(std::move(desired), entry);
    desired.epoch = next(entry.epoch);
    out.push_back({ShardId{i}, entry.epoch, std::move(desired)});
  }
  return out;
}

}  // namespace coterie::sharding
