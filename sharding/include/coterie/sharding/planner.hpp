/// The sticky planner: previous owners + candidates -> next owners with the fewest moves at max -
/// min <= 1 shard; rendezvous hashing (Thaler and Ravishankar 1998) decides first placement and
/// ties. Pure; same input, same plan. Thread-safety: a pure function.
#pragma once

#include <string>
#include <vector>

#include "coterie/core/ids.hpp"

namespace coterie::sharding {

/// `previous[shard]` is a node name or empty; a name that is no candidate loses its shards.
/// `candidates` not empty.
[[nodiscard]] std::vector<std::string> plan_owners(const std::vector<std::string>& previous,
                                                   std::vector<std::string> candidates);
/// How much `node` likes `shard`; higher wins.
[[nodiscard]] std::uint64_t rendezvous_score(ShardId shard, const std::string& node);

}  // namespace coterie::sharding
