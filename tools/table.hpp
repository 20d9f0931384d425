/// A plain text table: columns as wide as their widest cell, two spaces between.
#pragma once

#include <string>
#include <vector>

namespace coterie::tools {

[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// A name as messages show it.
[[nodiscard]] inline std::string quoted(const std::string& name) { return "'" + name + "'"; }

}  // namespace coterie::tools
