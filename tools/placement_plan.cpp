#include "placement_plan.hpp"

#include "coterie/sharding/explain.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;
using Member = replication::raft::MemberId;

Member member_of(const json& pair) {
  return {pair.at(0).get<std::string>(), pair.at(1).get<std::uint64_t>()};
}
std::vector<Member> members_of(const json& pairs) {
  std::vector<Member> out;
  for (const auto& pair : pairs) out.push_back(member_of(pair));
  return out;
}

replication::Register register_of(const json& shown) {
  const auto leader = member_of(shown.at("primary"));
  return {.epoch = Epoch{shown.at("epoch").get<std::uint64_t>()},
          .primary = leader.node,
          .in_sync = members_of(shown.at("in_sync")),
          .replicas = members_of(shown.at("replicas")),
          .disk = leader.disk,
          .min_in_sync = shown.at("min_in_sync").get<std::uint32_t>(),
          .successor = member_of(shown.at("successor"))};
}

sharding::PlaceableNode node_of(const json& shown) {
  return {.name = shown.at("node").get<std::string>(),
          .disk = shown.at("disk").get<std::uint64_t>(),
          .up = shown.at("up").get<bool>(),
          .gone = shown.at("gone").get<bool>(),
          .leaving = shown.at("leaving").get<bool>(),
          .cordoned = shown.at("cordoned").get<bool>(),
          .draining = shown.at("draining").get<bool>(),
          .weight = shown.at("weight").get<std::uint32_t>(),
          .zone = shown.at("zone").get<std::string>()};
}

const char* name_of(sharding::PlannedStep::Kind kind) {
  using Kind = sharding::PlannedStep::Kind;
  switch (kind) {
    case Kind::fail_over: return "fail over";
    case Kind::move: return "move";
    case Kind::copy: return "copy";
    case Kind::drop: return "drop";
  }
  return "?";
}

}  // namespace

std::optional<json> fetch_plan(const Query& query) {
  const auto body = fetch(query, "/placement");
  if (!body) return std::nullopt;
  auto plan = json::parse(*body);
  std::vector<replication::Register> registers;
  std::vector<sharding::PlaceableNode> nodes;
  for (const auto& shown : plan.at("registers")) registers.push_back(register_of(shown));
  for (const auto& shown : plan.at("nodes")) nodes.push_back(node_of(shown));
  const sharding::PlacementConfig config{
      .replicas = plan.at("replicas").get<std::uint32_t>(),
      .min_in_sync = plan.at("min_in_sync").get<std::uint32_t>()};
  plan["steps"] = json::array();
  for (const auto& step : sharding::rehearse(std::move(registers), std::move(nodes), config))
    plan["steps"].push_back({{"shard", step.shard.value},
                             {"what", name_of(step.kind)},
                             {"from", step.from},
                             {"to", step.to}});
  plan.erase("registers");
  return plan;
}

}  // namespace coterie::tools
