/// What a cluster needs to go on, as a pure function: where a primary is gone, a successor from the
/// in-sync set; where replicas are missing, new ones; who leaves or drains is relieved. Sticky:
/// what is good stays. Invariants: a successor is in I(e) and I(e+1) is a subset of I(e); I never
/// shrinks below what may commit, and what may commit never falls; only a primary grows I. Source:
/// placement contract, "State", invariants 3 and 4, "Planner". Thread-safety: pure functions.
#pragma once

#include "coterie/sharding/placement.hpp"

namespace coterie::sharding {

/// The first registers, epoch 1: of empty logs, so that everybody is in sync. One of `nodes` takes
/// shards.
[[nodiscard]] std::vector<replication::Register> place_first(
    const std::vector<PlaceableNode>& nodes, const PlacementConfig& config);
/// At most one change for each shard. Empty: everything is as it should be, or nothing can be done.
[[nodiscard]] std::vector<replication::Swap> plan_replicas(
    const std::vector<replication::Register>& registers, const std::vector<PlaceableNode>& nodes,
    const PlacementConfig& config);

}  // namespace coterie::sharding
