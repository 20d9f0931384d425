#include <cstdio>

#include "management_port.hpp"
#include "table.hpp"

namespace coterie::tools {

int run_members(const Query& query) {
  const auto members = fetch(query, "/members", nlohmann::json::value_t::array);
  if (!members) return 1;
  if (query.output == "json") return std::printf("%s\n", members->dump().c_str()), 0;
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
  for (const auto& m : *members)
    rows.push_back({text(m.at("name")), text(m.at("state")), text(m.at("gossip")),
                    text(m.at("link")), text(m.at("management")),
                    std::to_string(m.at("incarnation").get<std::uint64_t>()), phi(m),
                    text(m.at("registers"))});
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
