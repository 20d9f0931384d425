/// The coordinator's plan as a pure function: where a primary is gone, a successor from the in-sync
/// set; where replicas are missing, new ones. Sticky: what is good stays. Invariants: a successor
/// is in I(e) and I(e+1) is a subset of I(e); I never shrinks below what may commit, and what may
/// commit never falls; only a primary grows I. Source: placement contract, "State", invariants 3
/// and 4, "Planner". Thread-safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "coterie/replication/register.hpp"

namespace coterie::sharding {

struct PlacementConfig {
  std::uint32_t replicas = 3;     ///< copies of each shard, where there are as many nodes; 1 to 5
  std::uint32_t min_in_sync = 2;  ///< of them that must hold what is acknowledged; with fewer nodes
                                  ///< one less than there are copies, at least one
  std::uint32_t moves = 32;       ///< at once, from each node and to each
};

/// A node that registered the entity types.
struct PlaceableNode {
  std::string name{};
  std::uint64_t disk{};
  StartId start{};
  bool up = false;
  bool leaving = false;  ///< leads nothing that another one can lead, and takes nothing new
  bool gone = false;     ///< for so long that its copies are made anew elsewhere
};

/// The first registers, epoch 1: of empty logs, so that everybody is in sync. `nodes` has one that
/// is up.
[[nodiscard]] std::vector<replication::Register> place_first(
    const std::vector<PlaceableNode>& nodes, const PlacementConfig& config);
/// At most one change for each shard. Empty: everything is as it should be, or nothing can be done.
[[nodiscard]] std::vector<replication::Swap> plan_replicas(
    const std::vector<replication::Register>& registers, const std::vector<PlaceableNode>& nodes,
    const PlacementConfig& config);

}  // namespace coterie::sharding
