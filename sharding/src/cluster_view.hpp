/// The registers with nodes as positions, for the planners. Thread-safety: a value.
#pragma once

#include <algorithm>
#include <set>

#include "coterie/replication/copy_id.hpp"
#include "coterie/sharding/placement.hpp"
#include "coterie/sharding/planner.hpp"

namespace coterie::sharding {

using Member = replication::raft::MemberId;
using replication::Register;

inline bool holds(const std::vector<Member>& set, const Member& member) {
  return std::find(set.begin(), set.end(), member) != set.end();
}

inline constexpr std::size_t nobody = SIZE_MAX;

class ClusterView {
 public:
  explicit ClusterView(const std::vector<PlaceableNode>& nodes)
      : nodes_(nodes), zoned_(std::any_of(nodes.begin(), nodes.end(), [](const auto& node) {
          return !node.zone.empty();
        })) {}

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] const PlaceableNode& at(std::size_t node) const { return nodes_[node]; }
  [[nodiscard]] std::size_t find(const Member& member) const {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      if (replication::same_directory(nodes_[i].disk, member.disk) && nodes_[i].name == member.node)
        return i;
    return nobody;
  }
  [[nodiscard]] bool is_up(const Member& member) const {
    const auto node = find(member);
    return node != nobody && nodes_[node].up;
  }
  [[nodiscard]] bool is_dead(const Member& member) const {
    const auto node = find(member);
    return node != nobody && nodes_[node].dead;
  }
  /// It is about to be in sync: one whose disk is full or hangs may never be, and is waited for by
  /// nobody.
  [[nodiscard]] bool learns(const Member& member) const {
    const auto node = find(member);
    return node != nobody && nodes_[node].up && !nodes_[node].slow;
  }
  /// A disk that nobody has any more never comes back.
  [[nodiscard]] bool is_gone(const Member& member) const {
    const auto node = find(member);
    return node == nobody || nodes_[node].gone;
  }
  /// In how many zones these are; a node without one is a zone of its own.
  [[nodiscard]] std::size_t zones(const std::vector<Member>& members) const {
    if (!zoned_) return members.size();
    std::set<std::string_view> seen;
    for (const auto& member : members)
      if (const auto node = find(member); node != nobody)
        seen.insert(nodes_[node].zone.empty() ? std::string_view(nodes_[node].name)
                                              : std::string_view(nodes_[node].zone));
    return seen.size();
  }
  [[nodiscard]] std::size_t zones_with(std::vector<Member> members, std::size_t node) const {
    members.push_back(nodes_[node].id());
    return zones(members);
  }

 private:
  const std::vector<PlaceableNode>& nodes_;
  bool zoned_;
};

}  // namespace coterie::sharding
