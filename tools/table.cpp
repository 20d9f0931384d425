#include "table.hpp"

#include <algorithm>
#include <cstdio>

#include "coterie/transport/http_client.hpp"

namespace coterie::tools {

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::optional<std::string> fetch(const Query& query, const std::string& target) {
  const auto address = parse_address(query.management);
  if (!address) {
    std::fprintf(stderr, "coterie: %s\n", address.error().detail.c_str());
    return std::nullopt;
  }
  const auto answer = transport::http_get(*address, target, 5s);
  if (!answer) {
    std::fprintf(stderr, "coterie: %s\n", answer.error().detail.c_str());
    return std::nullopt;
  }
  if (answer->status != 200) {
    std::fprintf(stderr, "coterie: %s answered %u: %s\n", query.management.c_str(), answer->status,
                 answer->body.c_str());
    return std::nullopt;
  }
  return answer->body;
}

}  // namespace coterie::tools
