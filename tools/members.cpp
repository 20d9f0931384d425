#include <cstdio>
#include <nlohmann/json.hpp>

#include "table.hpp"

namespace coterie::tools {

int run_members(const Query& query) {
  const auto body = fetch(query, "/members");
  if (!body) return 1;
  if (query.output == "json") return std::printf("%s\n", body->c_str()), 0;
  std::vector<std::vector<std::string>> rows{
      {"NAME", "STATE", "GOSSIP", "LINK", "MANAGEMENT", "INCARNATION"}};
  const auto text = [](const nlohmann::json& v) {
    return v.is_null() ? std::string("-") : v.get<std::string>();
  };
  for (const auto& m : nlohmann::json::parse(*body))
    rows.push_back({text(m["name"]), text(m["state"]), text(m["gossip"]), text(m["link"]),
                    text(m["management"]), std::to_string(m["incarnation"].get<std::uint64_t>())});
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
