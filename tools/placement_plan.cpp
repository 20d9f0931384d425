#include "placement_plan.hpp"

#include "coterie/sharding/explain.hpp"
#include "management_port.hpp"

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
          .slow = shown.value("slow", false),  // absent: of an earlier build
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

json steps_of(const json& plan) {
  std::vector<replication::Register> registers;
  std::vector<sharding::PlaceableNode> nodes;
  for (const auto& shown : plan.at("registers")) registers.push_back(register_of(shown));
  for (const auto& shown : plan.at("nodes")) nodes.push_back(node_of(shown));
  const sharding::PlacementConfig config{
      .replicas = plan.at("replicas").get<std::uint32_t>(),
      .min_in_sync = plan.at("min_in_sync").get<std::uint32_t>()};
  auto steps = json::array();
  for (const auto& step : sharding::rehearse(std::move(registers), std::move(nodes), config))
    steps.push_back({{"shard", step.shard.value},
                     {"what", name_of(step.kind)},
                     {"from", step.from},
                     {"to", step.to}});
  return steps;
}

}  // namespace

std::optional<json> fetch_plan(const Query& query) {
  auto plan = fetch(query, "/placement", json::value_t::object);
  if (!plan) return std::nullopt;
  (*plan)["steps"] = lacks_a_leader(*plan) ? json::array() : steps_of(*plan);
  plan->erase("registers");
  return plan;
}

bool lacks_a_leader(const json& plan) {
  return plan.contains("leader") && plan.at("leader").is_null();
}

std::string state_of(const json& node) {
  std::string out;
  const auto add = [&](bool is_so, const char* what) {
    if (is_so) out += (out.empty() ? "" : ", ") + std::string(what);
  };
  const bool left = node.value("left", false), up = node.at("up").get<bool>();
  add(left, "left");
  add(!left && !up, "down");
  add(!left && node.at("leaving").get<bool>(), "leaving");
  add(up && node.value("slow", false), "slow disk");
  add(node.at("draining").get<bool>(), "draining");
  add(node.at("cordoned").get<bool>(), "cordoned");
  return out.empty() ? "up" : out;
}

}  // namespace coterie::tools
