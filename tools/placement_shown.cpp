#include <cstdio>

#include "management_port.hpp"
#include "placement_plan.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

std::string in_quotes(const json& name) { return quoted(name.get<std::string>()); }

std::string text_of_step(const json& step) {
  if (step.at("what") == "copy") return in_quotes(step.at("to")) + " gets a copy";
  if (step.at("what") == "drop") return in_quotes(step.at("from")) + " gives its copy away";
  return in_quotes(step.at("to")) + " is to lead it";
}

void print_copies(const json& e) {
  Rows rows{{"COPY", "UP", "IN-SYNC", "ZONE", "WEIGHT"}};
  for (const auto& copy : e.at("copies")) {
    const auto zone = copy.value("zone", "");
    rows.push_back({copy.at("node").get<std::string>() +
                        (copy.at("node") == e.at("primary") ? " (leads)" : ""),
                    copy.at("up").get<bool>() ? "yes" : "no",
                    copy.at("in_sync").get<bool>() ? "yes" : "no", zone.empty() ? "-" : zone,
                    copy.contains("weight") ? copy.at("weight").dump() : "-"});
  }
  std::printf("%s", format_table(rows).c_str());
}

void print_nodes(const json& plan) {
  Rows rows{{"NODE", "STATE", "ZONE", "WEIGHT", "LEADS", "COPIES", "MOVING"}};
  for (const auto& node : plan.at("nodes")) {
    const auto zone = node.at("zone").get<std::string>();
    rows.push_back({node.at("node").get<std::string>(), state_of(node), zone.empty() ? "-" : zone,
                    node.at("weight").dump(), node.at("leads").dump(), node.at("copies").dump(),
                    node.at("moving").dump()});
  }
  std::printf("%s", format_table(rows).c_str());
}

void print_steps(const json& plan) {
  for (const auto& step : plan.at("steps")) {
    const auto from = step.at("from").get<std::string>(), to = step.at("to").get<std::string>();
    std::printf("shard %s: %s%s%s%s%s\n", step.at("shard").dump().c_str(),
                step.at("what").get<std::string>().c_str(), from.empty() ? "" : " from ",
                from.c_str(), to.empty() ? "" : " to ", to.c_str());
  }
  if (lacks_a_leader(plan)) std::printf("%s\n", without_a_leader);
  else if (plan.at("steps").empty()) std::printf("nothing is to be done\n");
}

}  // namespace

int run_explain(const Query& query, int shard) {
  auto answer =
      fetch(query, "/placement/explain?shard=" + std::to_string(shard), json::value_t::object);
  if (!answer) return 1;
  const auto plan = fetch_plan(query);
  if (!plan) return 1;
  auto& e = *answer;
  if (lacks_a_leader(*plan)) e.at("state").push_back(without_a_leader);
  e["next"] = json::array();
  for (const auto& step : plan->at("steps"))
    if (step.at("shard") == shard) e["next"].push_back(text_of_step(step));
  if (query.output == "json") return std::printf("%s\n", e.dump().c_str()), 0;
  std::printf("shard %d, epoch %s: %s\n", shard, e.at("epoch").dump().c_str(),
              e.at("rule").get<std::string>().c_str());
  print_copies(e);
  std::printf("what is acknowledged is on all that are in sync, at least %s\n",
              e.at("min_in_sync").dump().c_str());
  for (const auto& line : e.at("state")) std::printf("now: %s\n", line.get<std::string>().c_str());
  for (const auto& line : e.at("next")) std::printf("next: %s\n", line.get<std::string>().c_str());
  if (e.at("state").empty() && e.at("next").empty()) std::printf("nothing is to be done\n");
  return 0;
}

int run_rebalance(const Query& query, bool dry_run, double patience_s) {
  const auto code = dry_run ? 0 : wait_for_balance(query, patience_s);
  if (code != 0) return code;
  const auto plan = fetch_plan(query);
  if (!plan) return 1;
  if (query.output == "json") return std::printf("%s\n", plan->dump().c_str()), 0;
  print_nodes(*plan);
  print_steps(*plan);
  return 0;
}

}  // namespace coterie::tools
