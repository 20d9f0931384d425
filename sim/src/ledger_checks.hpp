/// What must hold at the end of a seed of the ledger; each answers what does not, or nothing.
/// Thread-safety: runs the world.
#pragma once

#include <string>

#include "coterie/core/random.hpp"
#include "coterie/sim/world.hpp"

namespace coterie::sim {

/// Everybody is up, and every copy that is to be there is in sync; what is not, if it takes too
/// long.
[[nodiscard]] std::string wait_in_sync(World& world);
/// A copy of a node's disk comes back as if it were the newest one, and is refused; then the node
/// gets an empty disk and learns everything again (placement contract, invariant 10).
[[nodiscard]] std::string refuse_and_replace(World& world, Random& random, const Disk& older,
                                             std::size_t node);
/// Records of a node that is down change a bit, and soon after it is back another node is killed:
/// the copies are made anew from the others, and nothing is missing (placement contract, invariant
/// 10). `damages` counts records.
[[nodiscard]] std::string damage_and_repair(World& world, Random& random, std::size_t& damages);
/// Every command that came from another node has had its end, or waits.
[[nodiscard]] std::string check_flow(World& world);
/// Invariant 14, on every disk: a snapshot is the fold of the events before it.
[[nodiscard]] std::string check_snapshots(World& world, std::size_t& snapshots);
/// Of all disks.
[[nodiscard]] std::size_t trimmed_logs(World& world);
/// An operator takes back what was wanted of nodes, where it is known: a word that came before the
/// one it takes back was heard has no effect.
[[nodiscard]] std::string end_wishes(World& world);
/// Every node gets its share, and nothing is under way (planner, max - min <= 1).
[[nodiscard]] std::string check_even(World& world);
/// Everyone learns of a crash and of a leave, as what they are.
[[nodiscard]] std::string check_leave(World& world);

}  // namespace coterie::sim
