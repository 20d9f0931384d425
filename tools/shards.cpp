#include <cstdio>
#include <nlohmann/json.hpp>

#include "coterie/sharding/entity_hash.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

std::string joined(const nlohmann::json& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ",") + name.get<std::string>();
  return out.empty() ? "-" : out;
}

std::string text_or_dash(const nlohmann::json& value) {
  return value.is_null() ? std::string("-") : value.get<std::string>();
}

}  // namespace

int run_shards(const Query& query, const std::string& entity) {
  const auto body = fetch(query, "/shards");
  if (!body) return 1;
  auto shards = nlohmann::json::parse(*body);
  if (!entity.empty()) {
    const auto shard = sharding::shard_of(sharding::entity_hash(entity)).value;
    auto one = nlohmann::json::array();
    for (const auto& s : shards)
      if (s["shard"] == shard) one.push_back(s);
    shards = std::move(one);
  }
  if (query.output == "json") return std::printf("%s\n", shards.dump().c_str()), 0;
  std::vector<std::vector<std::string>> rows{
      {"SHARD", "EPOCH", "PRIMARY", "IN-SYNC", "COPIES", "LAG", "HERE"}};
  for (const auto& s : shards)
    rows.push_back({std::to_string(s["shard"].get<int>()),
                    std::to_string(s["epoch"].get<std::uint64_t>()), text_or_dash(s["primary"]),
                    joined(s["in_sync"]),
                    joined(s["replicas"]) +
                        (s["successor"].is_null() ? "" : " -> " + text_or_dash(s["successor"])),
                    s["lag"].is_null() ? "-" : s["lag"].dump(), text_or_dash(s["phase_here"])});
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
