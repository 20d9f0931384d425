#include "coterie/sharding/balance_planner.hpp"

#include <tuple>

#include "cluster_view.hpp"
#include "copy_names.hpp"

namespace coterie::sharding {
namespace {

class Balance {
 public:
  Balance(const std::vector<Register>& registers, const std::vector<PlaceableNode>& nodes,
          const PlacementConfig& config)
      : nodes_(nodes), config_(config), desired_(registers), weights_(nodes.size()) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      // One that comes and goes gets nothing, and keeps nobody else waiting.
      const bool takes = nodes[i].takes() && nodes[i].settled;
      if (takes) weights_[i] = nodes[i].weight;
      in_play_.push_back(takes || (nodes[i].up && nodes[i].draining));
    }
    for (auto& entry : desired_) {
      Shard shard{.leads = nodes_.find(entry.moves() ? entry.successor : entry.leader())};
      for (const auto& member : entry.replicas) shard.copies.push_back(nodes_.find(member));
      for (const auto& member : entry.in_sync) shard.in_sync.push_back(nodes_.find(member));
      shard.target = shard.leads;
      // A change is under way until all that are to have a copy are in sync, and nobody else.
      shard.steady = entry.replicas.size() <= config_.replicas && all_in_sync(entry);
      under_way_ += shard.steady || waits_for_slow(entry) ? 0 : 1;
      if (entry.moves()) count_move(entry);
      shards_.push_back(std::move(shard));
    }
  }

  [[nodiscard]] bool calm() const {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_.at(i).up && nodes_.at(i).arrives) return false;
    for (const auto& entry : desired_)
      for (const auto& member : entry.replicas) {
        const auto node = nodes_.find(member);
        if (node == nobody || !nodes_.at(node).up || nodes_.at(node).leaving) return false;
      }
    return true;
  }

  void run() {
    aim_primaries();
    drop_copies();
    spread();
    move_copies();
    move_primaries();
  }

  [[nodiscard]] const Register& desired(std::size_t shard) const { return desired_[shard]; }

 private:
  struct Shard {
    std::size_t leads{}, target{};  ///< nodes; the one that leads once what is under way is done
    std::vector<std::size_t> copies{}, in_sync{};
    bool steady = false;
  };

  [[nodiscard]] static bool all_in_sync(const Register& entry) {
    return entry.in_sync.size() == entry.replicas.size() &&
           std::all_of(entry.replicas.begin(), entry.replicas.end(),
                       [&](const auto& member) { return holds(entry.in_sync, member); });
  }
  /// Nobody knows for how long.
  [[nodiscard]] bool waits_for_slow(const Register& entry) const {
    return std::any_of(entry.replicas.begin(), entry.replicas.end(), [&](const auto& member) {
      return !holds(entry.in_sync, member) && !nodes_.learns(member);
    });
  }
  [[nodiscard]] static bool has(const std::vector<std::size_t>& set, std::size_t node) {
    return std::find(set.begin(), set.end(), node) != set.end();
  }
  [[nodiscard]] bool in_sync(std::size_t shard, std::size_t node) const {
    return has(shards_[shard].in_sync, node);
  }
  [[nodiscard]] std::uint64_t likes(std::size_t node, std::size_t shard) const {
    return rendezvous_score(ShardId{static_cast<std::uint16_t>(shard)}, nodes_.at(node).name);
  }
  void count_move(const Register& entry) {
    for (const auto& member : {entry.leader(), entry.successor})
      if (const auto node = nodes_.find(member); node != nobody) ++moves_.at(node);
  }

  /// Who is over its share and who below it, by how much most; nobody, when all have theirs.
  [[nodiscard]] static std::pair<std::size_t, std::size_t> extremes(
      const std::vector<std::size_t>& load, const std::vector<std::size_t>& due,
      const std::vector<bool>& may) {
    std::size_t over = nobody, below = nobody;
    for (std::size_t i = 0; i < load.size(); ++i) {
      if (!may[i]) continue;
      if (load[i] > due[i] && (over == nobody || load[i] - due[i] > load[over] - due[over]))
        over = i;
      if (load[i] < due[i] && (below == nobody || due[i] - load[i] > due[below] - load[below]))
        below = i;
    }
    return {over, below};
  }

  /// Which shard each node is to lead: as many as it is due, and the fewest change. Of an owner's
  /// shards go those that the new one has in sync, or has a copy of, or likes best.
  void aim_primaries() {
    std::vector<std::size_t> load(nodes_.size());
    for (const auto& shard : shards_)
      if (shard.leads != nobody) ++load[shard.leads];
    std::size_t in_play = 0;
    for (std::size_t i = 0; i < load.size(); ++i) in_play += in_play_[i] ? load[i] : 0;
    const auto due = shares(in_play, weights_, load, shards_.size());
    for (;;) {
      const auto [over, below] = extremes(load, due, in_play_);
      if (over == nobody || below == nobody) return;
      std::size_t best = nobody;
      const auto worth = [&, to = below](std::size_t s) {
        return std::tuple(in_sync(s, to), has(shards_[s].copies, to), likes(to, s));
      };
      for (std::size_t s = 0; s < shards_.size(); ++s)
        if (shards_[s].target == over && (best == nobody || worth(s) > worth(best))) best = s;
      shards_[best].target = below;
      --load[over], ++load[below];
    }
  }

  /// Of a shard with more copies than it is to have, once all are in sync and the one that leads is
  /// the one that is to: the copy of who is furthest over its share, but no zone is lost by it.
  void drop_copies() {
    count_copies();
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      auto& entry = desired_[s];
      auto& shard = shards_[s];
      if (entry.replicas.size() <= config_.replicas || !all_in_sync(entry) || entry.moves() ||
          (shard.target != shard.leads && has(shard.copies, shard.target)))
        continue;
      std::size_t extra = nobody;
      const auto worth = [&](std::size_t node) {
        auto rest = entry.replicas;
        std::erase(rest, nodes_.at(node).id());
        const auto over =
            static_cast<std::int64_t>(copies_[node]) - static_cast<std::int64_t>(copies_due_[node]);
        return std::tuple(nodes_.at(node).draining, nodes_.zones(rest), bool(in_play_[node]), over,
                          UINT64_MAX - likes(node, s));
      };
      for (const auto node : shard.copies)
        if (node != shard.leads && node != shard.target &&
            (extra == nobody || worth(node) > worth(extra)))
          extra = node;
      if (extra == nobody) continue;
      std::erase(entry.replicas, nodes_.at(extra).id());
      std::erase(shard.copies, extra);
      --copies_[extra];
    }
  }

  /// What each has, and what it is due once no shard has a copy too many.
  void count_copies() {
    copies_.assign(nodes_.size(), 0);
    std::size_t extra = 0;
    for (const auto& shard : shards_) {
      for (const auto node : shard.copies) ++copies_[node];
      extra += shard.copies.size() - std::min<std::size_t>(shard.copies.size(), config_.replicas);
    }
    std::size_t in_play = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) in_play += in_play_[i] ? copies_[i] : 0;
    copies_due_ = shares(in_play - std::min(in_play, extra), weights_, copies_, shards_.size());
  }

  void add_copy(std::size_t s, std::size_t node) {
    desired_[s].replicas.push_back(nodes_.at(node).id());
    shards_[s].copies.push_back(node);
    shards_[s].steady = false;
    ++copies_[node];
    ++under_way_;
  }
  [[nodiscard]] bool may_copy(std::size_t s) const {
    return under_way_ < config_.copying && shards_[s].steady &&
           desired_[s].replicas.size() < replication::planned_shard_members;
  }

  /// A shard of which two copies are in one zone, while another zone has none.
  void spread() {
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      const auto& members = desired_[s].replicas;
      const auto zones = nodes_.zones(members);
      if (!may_copy(s) || zones == members.size()) continue;
      std::size_t best = nobody;
      const auto worth = [&](std::size_t node) {
        return std::tuple(
            static_cast<std::int64_t>(copies_due_[node]) - static_cast<std::int64_t>(copies_[node]),
            likes(node, s));
      };
      for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (weights_[i] > 0 && !has(shards_[s].copies, i) &&
            nodes_.zones_with(members, i) > zones && (best == nobody || worth(i) > worth(best)))
          best = i;
      if (best != nobody) add_copy(s, best);
    }
  }

  /// First where the new primary has none yet, then from who has too many to who has too few.
  void move_copies() {
    for (std::size_t s = 0; s < shards_.size(); ++s)
      if (const auto to = shards_[s].target;
          may_copy(s) && to != nobody && !has(shards_[s].copies, to) && weights_[to] > 0)
        add_copy(s, to);
    // What was added takes the place of one that is over its share: which, drop_copies will say.
    auto load = copies_;
    for (std::size_t s = 0; s < shards_.size(); ++s)
      if (!shards_[s].steady && shards_[s].copies.size() > config_.replicas) --load[giver(s, load)];
    auto may = in_play_;
    while (under_way_ < config_.copying) {
      auto [from, to] = extremes(load, copies_due_, may);
      if (from == nobody || to == nobody) return;
      auto s = movable(from, to);
      // Who drains gives also to those who have their share.
      for (std::size_t other = 0; s == nobody && nodes_.at(from).draining && other < load.size();
           ++other)
        if (weights_[other] > 0) to = other, s = movable(from, to);
      if (s == nobody) {
        may[from] = false;  // zones or primaries keep its copies where they are
        continue;
      }
      add_copy(s, to);
      ++load[to], --load[from];
    }
  }

  /// Who will lose its copy of a shard that has one too many.
  [[nodiscard]] std::size_t giver(std::size_t s, const std::vector<std::size_t>& load) const {
    std::size_t best = shards_[s].copies.front();
    const auto over = [&](std::size_t node) {
      const bool needed = node == shards_[s].target || node == shards_[s].copies.back();
      return std::tuple(!needed, static_cast<std::int64_t>(load[node]) -
                                     static_cast<std::int64_t>(copies_due_[node]));
    };
    for (const auto node : shards_[s].copies)
      if (over(node) > over(best)) best = node;
    return best;
  }

  /// A shard whose copy can go from one to the other, with no zone lost and no change of its
  /// primary.
  [[nodiscard]] std::size_t movable(std::size_t from, std::size_t to) const {
    std::size_t best = nobody;
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      const auto& shard = shards_[s];
      if (!may_copy(s) || shard.target == from || shard.leads == from || !has(shard.copies, from) ||
          has(shard.copies, to))
        continue;
      auto rest = desired_[s].replicas;
      const auto zones = nodes_.zones(rest);
      std::erase(rest, nodes_.at(from).id());
      if (!nodes_.at(from).draining && nodes_.zones_with(rest, to) < zones) continue;
      if (best == nobody || likes(to, s) > likes(to, best)) best = s;
    }
    return best;
  }

  void move_primaries() {
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      auto& entry = desired_[s];
      const auto from = shards_[s].leads, to = shards_[s].target;
      if (to == from || entry.moves() || !in_sync(s, to) || moves_[from] >= config_.moves ||
          moves_[to] >= config_.moves)
        continue;
      entry.successor = nodes_.at(to).id();
      ++moves_[from], ++moves_[to];
    }
  }

  ClusterView nodes_;
  const PlacementConfig& config_;
  std::vector<Register> desired_;
  std::vector<std::uint32_t> weights_;  ///< 0: takes nothing
  std::vector<bool> in_play_{};         ///< gives or takes
  std::vector<Shard> shards_{};
  std::vector<std::size_t> copies_{}, copies_due_{};
  std::vector<std::uint32_t> moves_ = std::vector<std::uint32_t>(weights_.size());
  std::size_t under_way_ = 0;
};

}  // namespace

std::vector<replication::Swap> plan_balance(const std::vector<Register>& registers,
                                            const std::vector<PlaceableNode>& nodes,
                                            const PlacementConfig& config) {
  const auto as_nodes = by_node(registers, nodes);
  Balance balance(as_nodes, nodes, config);
  if (!balance.calm()) return {};
  balance.run();
  std::vector<replication::Swap> out;
  for (std::uint16_t i = 0; i < registers.size(); ++i) {
    auto desired = balance.desired(i);
    if (desired == as_nodes[i]) continue;
    desired = by_copy(std::move(desired), registers[i]);
    desired.epoch = next(registers[i].epoch);
    out.push_back({ShardId{i}, registers[i].epoch, std::move(desired)});
  }
  return out;
}

}  // namespace coterie::sharding
