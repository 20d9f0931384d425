#include <cstdio>
#include <nlohmann/json.hpp>

#include "table.hpp"

namespace coterie::tools {

int run_members(const Query& query) {
  const auto body = fetch(query, "/members");
  if (!body) return 1;
  if (query.output == "json") return std::printf("%s\n", body->c_str()), 0;
  std::vector<std::vector<std::string>> rows{
      {"NAME", "STATE", "GOSSIP", "LINK", "MANAGEMENT", "INCARNATION", "PHI", "REGISTERS"}};
  const auto text = [](const nlohmann::json& v) {
    return v.is_null() ? std::string("-") : v.get<std::string>();
  };
  const auto phi = [](const nlohmann::json& m) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%.1f", m.value("phi", 0.0));
    return std::string(buffer);
  };
  for (const auto& m : nlohmann::json::parse(*body))
    rows.push_back({text(m["name"]), text(m["state"]), text(m["gossip"]), text(m["link"]),
                    text(m["management"]), std::to_string(m["incarnation"].get<std::uint64_t>()),
                    phi(m), text(m["registers"])});
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
