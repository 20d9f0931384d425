#include <cstdio>

#include "coterie/sharding/entity_hash.hpp"
#include "management_port.hpp"
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
  auto shards = fetch(query, "/shards", nlohmann::json::value_t::array);
  if (!shards) return 1;
  if (!entity.empty()) {
    const auto shard = sharding::shard_of(sharding::entity_hash(entity)).value;
    auto one = nlohmann::json::array();
    for (const auto& s : *shards)
      if (s.at("shard") == shard) one.push_back(s);
    shards = std::move(one);
  }
  if (query.output == "json") return std::printf("%s\n", shards->dump().c_str()), 0;
  std::vector<std::vector<std::string>> rows{
      {"SHARD", "EPOCH", "PRIMARY", "IN-SYNC", "COPIES", "LAG", "HERE"}};
  for (const auto& s : *shards) {
    const auto& successor = s.at("successor");
    rows.push_back(
        {std::to_string(s.at("shard").get<int>()),
         std::to_string(s.at("epoch").get<std::uint64_t>()), text_or_dash(s.at("primary")),
         joined(s.at("in_sync")),
         joined(s.at("replicas")) + (successor.is_null() ? "" : " -> " + text_or_dash(successor)),
         s.at("lag").is_null() ? "-" : s.at("lag").dump(), text_or_dash(s.at("phase_here"))});
  }
  std::printf("%s", format_table(rows).c_str());
  return 0;
}

}  // namespace coterie::tools
