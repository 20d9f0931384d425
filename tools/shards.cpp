#include <cstdio>
#include <nlohmann/json.hpp>

#include "table.hpp"

namespace coterie::tools {

int run_shards(const Query& query) {
  const auto body = fetch(query, "/shards");
  if (!body) return 1;
  if (query.output == "json") return std::printf("%s\n", body->c_str()), 0;
  std::vector<std::vector<std::string>> rows{{"SHARD", "EPOCH", "PRIMARY", "IN-SYNC", "HERE"}};
  for (const auto& s : nlohmann::json::parse(*body)) {
    std::string in_sync;
    for (const auto& name : s["in_sync"])
      in_sync += (in_sync.empty() ? "" : ",") + name.get<std::string>();
    const auto text = [](const nlohmann::json& v) {
      return v.is_null() ? std::string("-") : v.get<std::string>();
    };
    rows.push_back({std::to_string(s["shard"].get<int>()),
                    std::to_string(s["epoch"].get<std::uint64_t>()), text(s["primary"]),
                    in_sync.empty() ? "-" : in_sync, text(s["phase_here"])});
  }
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
