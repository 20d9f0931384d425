/// What the planners would do next, run here and not in the node that is asked.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"

namespace coterie::tools {

/// What GET /placement answers, and "steps": what is left to do. nullopt: it was told why.
[[nodiscard]] std::optional<nlohmann::json> fetch_plan(const Query& query);

}  // namespace coterie::tools
