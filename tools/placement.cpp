#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "coterie/transport/http_client.hpp"
#include "placement_plan.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto look_again = std::chrono::milliseconds(200);

bool prints_json(const Query& query) { return query.output == "json"; }

std::optional<json> get(const Query& query, const std::string& target) {
  const auto body = fetch(query, target);
  if (!body) return std::nullopt;
  return json::parse(*body);
}

std::string quoted(const json& name) { return "'" + name.get<std::string>() + "'"; }

int say(const std::string& problem) {
  std::fprintf(stderr, "coterie: %s\n", problem.c_str());
  return 1;
}

/// Looks until `done` says so, and shows what it says meanwhile whenever that changes.
int wait_until(double patience_s, bool quiet,
               const std::function<std::optional<bool>(std::string& progress)>& done) {
  const auto until = Clock::now() + std::chrono::duration<double>(patience_s);
  std::string shown;
  for (;;) {
    std::string progress;
    const auto state = done(progress);
    if (!state) return 1;
    if (!quiet && progress != shown && !progress.empty())
      std::fprintf(stderr, "%s\n", progress.c_str());
    shown = progress;
    if (*state) return 0;
    if (Clock::now() > until)
      return say("it is not done after " + std::to_string(static_cast<int>(patience_s)) + " s: " +
                 progress + "; it goes on, coterie rebalance --dry-run shows what is left");
    std::this_thread::sleep_for(look_again);
  }
}

const json* node_in(const json& plan, const std::string& name) {
  for (const auto& node : plan["nodes"])
    if (node["node"] == name) return &node;
  return nullptr;
}

int wait_for_drain(const Query& query, const PlacementWish& wish) {
  return wait_until(wish.patience_s, prints_json(query),
                    [&](std::string& progress) -> std::optional<bool> {
                      const auto plan = fetch_plan(query);
                      if (!plan) return std::nullopt;
                      const auto* node = node_in(*plan, wish.node);
                      if (node == nullptr) return true;
                      const auto leads = (*node)["leads"].get<int>();
                      const auto copies = (*node)["copies"].get<int>();
                      progress = "'" + wish.node + "' leads " + std::to_string(leads) +
                                 " shards and has " + std::to_string(copies) + " copies";
                      const bool stuck = leads + copies > 0 && (*plan)["steps"].empty();
                      if (stuck && (*node)["moving"] == 0)
                        progress += "; no other node takes them: add one";
                      return leads + copies == 0;
                    });
}

int wait_for_move(const Query& query, const PlacementWish& wish) {
  bool began = false;
  return wait_until(
      wish.patience_s, prints_json(query), [&](std::string& progress) -> std::optional<bool> {
        const auto shards = get(query, "/shards");
        if (!shards) return std::nullopt;
        const auto& shard = (*shards)[static_cast<std::size_t>(wish.shard)];
        const bool there = shard["primary"] == wish.node;
        const bool moving = !shard["successor"].is_null();
        began = began || moving;
        progress = there ? "'" + wish.node + "' leads shard " + std::to_string(wish.shard)
                         : "shard " + std::to_string(wish.shard) + " is with " +
                               shard["primary"].dump() +
                               (moving  ? ", on its way to " + shard["successor"].dump()
                                : began ? ", the move was given up"
                                        : "");
        return there;
      });
}

/// Only who means it loses events.
bool confirmed(const PlacementWish& wish) {
  if (wish.yes) return true;
  std::fprintf(stderr,
               "Events of shard %d that only other copies acknowledged will be LOST.\n"
               "Write the number of the shard to go on: ",
               wish.shard);
  std::string line;
  std::getline(std::cin, line);
  return line == std::to_string(wish.shard);
}

}  // namespace

int run_placement(const Query& query, const PlacementWish& wish) {
  if (wish.action == "force-primary" && !confirmed(wish)) return say("nothing was changed");
  const auto address = parse_address(query.management);
  if (!address) return say(address.error().detail);
  json body{{"action", wish.action}, {"node", wish.node}};
  if (wish.shard >= 0) body["shard"] = wish.shard;
  std::string answer;
  const auto sent =
      transport::http_lines(*address, "/placement", body.dump(), 5s,
                            [&](std::string_view line) { return answer.append(line), true; });
  if (!sent) return say(sent.error().detail);
  const auto reply = json::parse(answer, nullptr, false);
  if (wish.action == "uncordon") body["was"] = reply.is_object() ? reply.value("was", "") : "";
  if (wish.action == "uncordon" && body["was"] == "")
    std::fprintf(stderr,
                 "coterie: this node knows neither a cordon nor a drain of '%s'; where another one "
                 "shows it (coterie rebalance --dry-run), say it there\n",
                 wish.node.c_str());
  int code = 0;
  if (wish.wait && wish.action == "drain") code = wait_for_drain(query, wish);
  if (wish.wait && (wish.action == "move" || wish.action == "force-primary"))
    code = wait_for_move(query, wish);
  body["done"] = code == 0;
  if (prints_json(query)) std::printf("%s\n", body.dump().c_str());
  return code;
}

int run_explain(const Query& query, int shard) {
  const auto answer = get(query, "/placement/explain?shard=" + std::to_string(shard));
  if (!answer) return 1;
  auto e = *answer;
  const auto plan = fetch_plan(query);
  if (!plan) return 1;
  e["next"] = json::array();
  for (const auto& step : (*plan)["steps"])
    if (step["shard"] == shard)
      e["next"].push_back(step["what"] == "copy"   ? quoted(step["to"]) + " gets a copy"
                          : step["what"] == "drop" ? quoted(step["from"]) + " gives its copy away"
                                                   : quoted(step["to"]) + " is to lead it");
  if (prints_json(query)) return std::printf("%s\n", e.dump().c_str()), 0;
  std::printf("shard %d, epoch %s: %s\n", shard, e["epoch"].dump().c_str(),
              e["rule"].get<std::string>().c_str());
  std::vector<std::vector<std::string>> rows{{"COPY", "UP", "IN-SYNC", "ZONE", "WEIGHT"}};
  for (const auto& copy : e["copies"]) {
    const auto zone = copy.value("zone", "");
    rows.push_back(
        {copy["node"].get<std::string>() + (copy["node"] == e["primary"] ? " (leads)" : ""),
         copy["up"] ? "yes" : "no", copy["in_sync"] ? "yes" : "no", zone.empty() ? "-" : zone,
         copy.contains("weight") ? copy["weight"].dump() : "-"});
  }
  std::printf("%s", format_table(rows).c_str());
  std::printf("what is acknowledged is on all that are in sync, at least %s\n",
              e["min_in_sync"].dump().c_str());
  for (const auto& line : e["state"]) std::printf("now: %s\n", line.get<std::string>().c_str());
  for (const auto& line : e["next"]) std::printf("next: %s\n", line.get<std::string>().c_str());
  if (e["state"].empty() && e["next"].empty()) std::printf("nothing is to be done\n");
  return 0;
}

int run_rebalance(const Query& query, bool dry_run, double patience_s) {
  if (!dry_run) {
    const auto code = wait_until(
        patience_s, prints_json(query), [&](std::string& progress) -> std::optional<bool> {
          const auto plan = fetch_plan(query);
          if (!plan) return std::nullopt;
          std::size_t moving = 0;
          for (const auto& node : (*plan)["nodes"]) moving += node["moving"].get<std::size_t>();
          progress = std::to_string((*plan)["steps"].size()) + " steps are left, " +
                     std::to_string(moving / 2) + " moves are under way";
          return (*plan)["steps"].empty() && moving == 0;
        });
    if (code != 0) return code;
  }
  const auto plan = fetch_plan(query);
  if (!plan) return 1;
  if (prints_json(query)) return std::printf("%s\n", plan->dump().c_str()), 0;
  const auto flag = [](const json& node, const char* key) { return node[key].get<bool>(); };
  std::vector<std::vector<std::string>> rows{
      {"NODE", "STATE", "ZONE", "WEIGHT", "LEADS", "COPIES", "MOVING"}};
  for (const auto& node : (*plan)["nodes"]) {
    const auto zone = node["zone"].get<std::string>();
    rows.push_back({node["node"].get<std::string>(),
                    !flag(node, "up")        ? "down"
                    : flag(node, "leaving")  ? "leaving"
                    : flag(node, "draining") ? "draining"
                    : flag(node, "cordoned") ? "cordoned"
                                             : "up",
                    zone.empty() ? "-" : zone, node["weight"].dump(), node["leads"].dump(),
                    node["copies"].dump(), node["moving"].dump()});
  }
  std::printf("%s", format_table(rows).c_str());
  for (const auto& step : (*plan)["steps"]) {
    const auto from = step["from"].get<std::string>(), to = step["to"].get<std::string>();
    std::printf("shard %s: %s%s%s%s%s\n", step["shard"].dump().c_str(),
                step["what"].get<std::string>().c_str(), from.empty() ? "" : " from ", from.c_str(),
                to.empty() ? "" : " to ", to.c_str());
  }
  if ((*plan)["steps"].empty()) std::printf("nothing is to be done\n");
  return 0;
}

}  // namespace coterie::tools
