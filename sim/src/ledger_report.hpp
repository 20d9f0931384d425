/// What a failed seed of the ledger tells. Thread-safety: reads the world.
#pragma once

#include <functional>
#include <string>

#include "coterie/replication/register.hpp"
#include "coterie/sim/world.hpp"

namespace coterie::sim {

[[nodiscard]] bool all_ready(World& world);
/// Who is not ready, and why: the first thing that a failed seed must tell.
[[nodiscard]] std::string unready(World& world);
using ShardWanted = std::function<bool(const replication::Register& entry, bool served)>;
/// The first shard that is so, with all that its copies say.
[[nodiscard]] std::string first_shard(World& world, const ShardWanted& wanted);

}  // namespace coterie::sim
