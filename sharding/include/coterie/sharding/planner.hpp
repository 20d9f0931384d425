/// The first owners: each node gets its share by weight, and each shard a node that it likes, by
/// rendezvous hashing (Thaler and Ravishankar 1998), which also decides ties. Pure; same input,
/// same plan. Thread-safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "coterie/sharding/placement.hpp"

namespace coterie::sharding {

/// The owner of each of `count` shards, as a position in `nodes`; only nodes of which takes()
/// holds, of which there is one.
[[nodiscard]] std::vector<std::size_t> first_owners(std::size_t count,
                                                    const std::vector<PlaceableNode>& nodes);
/// How much `node` likes `shard`; higher wins.
[[nodiscard]] std::uint64_t rendezvous_score(ShardId shard, const std::string& node);

}  // namespace coterie::sharding
