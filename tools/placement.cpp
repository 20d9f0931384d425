#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <thread>

#include "management_port.hpp"
#include "placement_plan.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto look_again = std::chrono::milliseconds(200);
constexpr auto election_patience = std::chrono::seconds(10);  // a majority elects within a few

constexpr auto it_goes_on = "it goes on, coterie rebalance --dry-run shows what is left";

/// What is to be seen of a change that is waited for.
struct Sight {
  std::string text{};
  bool done = false;
  std::string then{};  ///< what is to be known once patience ends: that it goes on, or what to do
  bool over = false;   ///< it failed: waiting longer is for nothing
  bool leaderless = false;
};
/// nullopt: there was no answer, and it was told why.
using Look = std::function<std::optional<Sight>()>;

Sight no_leader() { return {.text = without_a_leader, .leaderless = true}; }

/// Looks until it is done, and shows what there is to be seen whenever that changes.
int wait_until(double patience_s, bool quiet, const Look& look) {
  const auto until = Clock::now() + std::chrono::duration<double>(patience_s);
  auto had_leader = Clock::now();
  std::string shown;
  for (;;) {
    const auto seen = look();
    const auto now = Clock::now();
    if (!seen) return 1;
    if (seen->over) return say(seen->text);
    if (!quiet && seen->text != shown) std::fprintf(stderr, "%s\n", seen->text.c_str());
    shown = seen->text;
    if (seen->done) return 0;
    if (!seen->leaderless) had_leader = now;
    if (now - had_leader > election_patience) return say(seen->text);
    if (now > until)
      return say("it is not done after " + std::to_string(static_cast<int>(patience_s)) +
                 " s: " + seen->text + (seen->then.empty() ? "" : "; " + seen->then));
    std::this_thread::sleep_for(look_again);
  }
}

const json* node_in(const json& plan, const std::string& name) {
  for (const auto& node : plan.at("nodes"))
    if (node.at("node") == name) return &node;
  return nullptr;
}

/// The plan still takes something from it.
bool gives(const json& plan, const json& node) {
  if (node.at("moving") != 0) return true;
  for (const auto& step : plan.at("steps"))
    if (step.at("from") == node.at("node")) return true;
  return false;
}

/// Whether the registers' voters would be no majority without those that drain, this one among
/// them; unknown while nobody leads them. A node that is not of their group knows it of itself
/// alone, from their leader; of others their leader does.
std::optional<bool> vote_is_needed(const Query& query, const json& plan, const std::string& name) {
  const auto in = [&](const json& known) -> std::optional<bool> {
    const auto needed = known.value("needed_voters", json());
    if (needed.is_null()) return std::nullopt;
    return std::find(needed.begin(), needed.end(), json(name)) != needed.end();
  };
  if (plan.value("asked", "") == name && plan.value("asked_votes", json()) == false) return false;
  if (const auto known = in(plan); known || lacks_a_leader(plan)) return known;
  const auto members = fetch(query, "/members", json::value_t::array);
  if (!members) return std::nullopt;
  for (const auto& member : *members) {
    if (member.at("name") != plan.value("leader", json()) || member.at("management").is_null())
      continue;
    const auto known = fetch({.management = member.at("management").get<std::string>()},
                             "/placement", json::value_t::object);
    if (known) return in(*known);
  }
  return std::nullopt;
}

std::optional<Sight> look_at_drain(const Query& query, const std::string& name) {
  const auto plan = fetch_plan(query);
  if (!plan) return std::nullopt;
  const auto* const node = node_in(*plan, name);
  if (node == nullptr) return Sight{.text = quoted(name) + " is not here any more", .done = true};
  const auto leads = node->at("leads").get<int>(), copies = node->at("copies").get<int>();
  Sight seen{.text = quoted(name) + " leads " + std::to_string(leads) + " shards and has " +
                     std::to_string(copies) + " copies",
             .done = leads + copies == 0};
  if (lacks_a_leader(*plan)) return no_leader();
  const auto needed = vote_is_needed(query, *plan, name);
  if (!needed)
    seen.text += "; ask the registers' leader, '" + plan->value("leader", std::string("?")) +
                 "', or another voter with --management, whether its vote is needed";
  else if (*needed) seen.text += "; its vote on the placement registers is needed still";
  if (seen.done) {
    seen.done = !needed.value_or(true);
    return seen;
  }
  if (!node->at("draining").get<bool>()) seen.text += "; it is not being drained any more";
  else if (gives(*plan, *node)) seen.then = it_goes_on;
  else seen.text += "; no other node takes them: add one";
  return seen;
}

/// Why a node gets no shard; empty: nothing is known of it.
std::string why_it_takes_nothing(const Query& query, const std::string& name) {
  const auto plan = fetch_plan(query);
  const auto* const node = plan ? node_in(*plan, name) : nullptr;
  if (node == nullptr) return plan ? quoted(name) + " is not here any more" : "";
  const auto state = state_of(*node);
  if (state == "up" || state == "cordoned") return "";
  return quoted(name) + (state.starts_with("slow") ? " has a " : " is ") + state;
}

/// `began`: it was on its way, in an earlier look.
std::optional<Sight> look_at_shard(const Query& query, const PlacementWish& wish, bool& began) {
  const auto shards = fetch(query, "/shards", json::value_t::array);
  if (!shards) return std::nullopt;
  const auto& shard = shards->at(static_cast<std::size_t>(wish.shard));
  const auto number = std::to_string(wish.shard);
  const auto& primary = shard.at("primary");
  const auto& successor = shard.at("successor");
  if (primary == wish.node)
    return Sight{.text = quoted(wish.node) + " leads shard " + number, .done = true};
  Sight seen{.text = "shard " + number + " is with " +
                     (primary.is_null() ? "nobody" : quoted(primary.get<std::string>()))};
  if (!successor.is_null()) {
    seen.text += ", on its way to " + quoted(successor.get<std::string>());
    began = began || successor == wish.node;
    const auto why =
        successor == wish.node ? why_it_takes_nothing(query, wish.node) : std::string();
    if (why.empty()) seen.then = it_goes_on;
    else seen.text += ": " + why;
  } else if (began && wish.action == "move") {
    const auto why = why_it_takes_nothing(query, wish.node);
    seen.text += ": the move was given up" + (why.empty() ? "" : ": " + why);
    seen.over = true;
  } else {
    seen.then = "nothing is under way: say it again";
  }
  return seen;
}

int wait_for(const Query& query, const PlacementWish& wish) {
  bool began = false;
  return wait_until(wish.patience_s, query.output == "json", [&] {
    return wish.action == "drain" ? look_at_drain(query, wish.node)
                                  : look_at_shard(query, wish, began);
  });
}

/// What comes of a change that nobody waits for.
std::string accepted(const PlacementWish& wish) {
  const auto name = quoted(wish.node);
  if (wish.action == "cordon") return name + " is cordoned: it keeps what it has and gets no more";
  if (wish.action == "uncordon") return name + " may get shards again";
  return "accepted; coterie rebalance --dry-run shows what is left";
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
  json body{{"action", wish.action}, {"node", wish.node}};
  if (wish.shard >= 0) body["shard"] = wish.shard;
  if (wish.even_so) body["even_so"] = true;
  const auto reply = change(query, "/placement", body);
  if (!reply) return 1;
  (void)reply->at(wish.shard >= 0 ? "shard" : "node");  // else it is no node of ours
  if (wish.action == "uncordon") body["was"] = reply->value("was", "");
  if (wish.action == "uncordon" && body["was"] == "")
    std::fprintf(stderr,
                 "coterie: this node knows neither a cordon nor a drain of '%s'; where another one "
                 "shows it (coterie rebalance --dry-run), say it there\n",
                 wish.node.c_str());
  const bool takes_time = wish.action == "drain" || wish.shard >= 0;
  const auto code = takes_time && wish.wait ? wait_for(query, wish) : 0;
  body["accepted"] = true;
  body["done"] = takes_time && !wish.wait ? json(nullptr) : json(code == 0);
  if (query.output == "json") std::printf("%s\n", body.dump().c_str());
  else if (!takes_time || !wish.wait) std::printf("%s\n", accepted(wish).c_str());
  return code;
}

int wait_for_balance(const Query& query, double patience_s) {
  return wait_until(patience_s, query.output == "json", [&]() -> std::optional<Sight> {
    const auto plan = fetch_plan(query);
    if (!plan) return std::nullopt;
    if (lacks_a_leader(*plan)) return no_leader();
    std::size_t moving = 0;
    for (const auto& node : plan->at("nodes")) moving += node.at("moving").get<std::size_t>();
    const auto steps = plan->at("steps").size();
    return Sight{.text = std::to_string(steps) + " steps are left, " + std::to_string(moving / 2) +
                         " moves are under way",
                 .done = steps == 0 && moving == 0,
                 .then = it_goes_on};
  });
}

}  // namespace coterie::tools
