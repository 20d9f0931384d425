/// What makes a cluster even, as a pure function: planned moves of primaries and of copies by
/// weight, spread over zones, and an end to copies that are too many. Sticky and minimal: a join or
/// a leave changes as many primaries as it must and no more, and with equal weights nobody leads
/// two shards more than another. Only while nothing else is wrong: a node that is down may come
/// back. Source: placement contract, "Planner". Thread-safety: pure functions.
#pragma once

#include "coterie/sharding/placement.hpp"

namespace coterie::sharding {

/// The next steps, a bounded number at once; called again when they are done. Empty: it is even, or
/// it has to wait.
[[nodiscard]] std::vector<replication::Swap> plan_balance(
    const std::vector<replication::Register>& registers, const std::vector<PlaceableNode>& nodes,
    const PlacementConfig& config);

}  // namespace coterie::sharding
