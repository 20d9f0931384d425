/// What a failed seed of the ledger tells. Thread-safety: reads the world.
#pragma once

#include <string>

#include "coterie/sim/world.hpp"

namespace coterie::sim {

[[nodiscard]] bool all_ready(World& world);
/// Who is not ready, and why: the first thing that a failed seed must tell.
[[nodiscard]] std::string unready(World& world);
/// One shard that its primary does not serve, with all that its copies say.
[[nodiscard]] std::string first_stuck(World& world);

}  // namespace coterie::sim
