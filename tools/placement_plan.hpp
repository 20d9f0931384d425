/// What the planners would do next, run here and not in the node that is asked.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"

namespace coterie::tools {

/// What GET /placement answers, and "steps": what is left to do; none while it `lacks_a_leader`.
/// nullopt: it was told why.
[[nodiscard]] std::optional<nlohmann::json> fetch_plan(const Query& query);

/// True if the node that was asked knows of no leader of the registers. Nodes of earlier builds do
/// not tell.
[[nodiscard]] bool lacks_a_leader(const nlohmann::json& plan);
inline constexpr auto without_a_leader =
    "the placement registers have no leader: nothing changes hands until a majority of their "
    "voters is back";

/// Waits until no step is left; the exit code.
[[nodiscard]] int wait_for_balance(const Query& query, double patience_s);

/// Of a node in the plan: all that keeps it from taking shards, as "down, cordoned"; else "up".
[[nodiscard]] std::string state_of(const nlohmann::json& node);

}  // namespace coterie::tools
