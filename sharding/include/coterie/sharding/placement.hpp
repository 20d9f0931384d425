/// What the planners know of the nodes, and what they are to keep to. Source: placement contract,
/// "Planner". Thread-safety: values and pure functions.
#pragma once

#include <string>
#include <vector>

#include "coterie/replication/register.hpp"

namespace coterie::sharding {

struct PlacementConfig {
  std::uint32_t replicas = 3;     ///< copies of each shard, where there are as many nodes; 1 to 5
  std::uint32_t min_in_sync = 2;  ///< of them that must hold what is acknowledged; with fewer nodes
                                  ///< one less than there are copies, at least one
  std::uint32_t moves = 32;       ///< planned moves at once, from each node and to each
  std::uint32_t copying = 16;     ///< shards that get another copy at once, for balance and spread
  std::string role{};             ///< only nodes of this role have shards; empty: all
};

/// A node that registered the entity types.
struct PlaceableNode {
  std::string name{};
  std::uint64_t disk{};
  StartId start{};
  bool up = false;
  bool dead = false;     ///< just now its connection broke, and it took no other: no partition
  bool gone = false;     ///< for so long that its copies are made anew elsewhere
  bool leaving = false;  ///< leads nothing that another one can lead, and takes nothing new
  bool slow = false;     ///< its disk stalls: leads nothing that a well one can lead, takes nothing
  bool cordoned = false;     ///< by an operator: takes nothing new
  bool draining = false;     ///< by an operator: gives away all it has
  bool settled = true;       ///< up for long enough to be worth a move
  bool arrives = false;      ///< it came just now: what it changes shows in a moment
  std::uint32_t weight = 1;  ///< its share of primaries and copies, beside the others'; 0: none
  std::string zone{};        ///< copies of a shard are spread over these

  friend bool operator==(const PlaceableNode&, const PlaceableNode&) = default;

  [[nodiscard]] replication::raft::MemberId id() const { return {name, disk}; }
  /// It may get a copy or a primary.
  [[nodiscard]] bool takes() const {
    return up && !leaving && !slow && !cordoned && !draining && weight > 0;
  }
};

/// How many of `total` each is due by its weight, at most `most` each: the largest remainders get
/// one more, and of equal ones who has the most, because that moves the fewest.
[[nodiscard]] std::vector<std::size_t> shares(std::size_t total,
                                              const std::vector<std::uint32_t>& weights,
                                              const std::vector<std::size_t>& has,
                                              std::size_t most);

}  // namespace coterie::sharding
