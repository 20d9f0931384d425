/// A plain text table: columns as wide as their widest cell, two spaces between.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"

namespace coterie::tools {

[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);
/// The body that a management endpoint answered; prints the error and gives nothing otherwise.
[[nodiscard]] std::optional<std::string> fetch(const Query& query, const std::string& target);

}  // namespace coterie::tools
