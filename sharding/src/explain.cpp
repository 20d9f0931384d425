#include "coterie/sharding/explain.hpp"

#include "cluster_view.hpp"
#include "coterie/sharding/balance_planner.hpp"
#include "coterie/sharding/replica_planner.hpp"

namespace coterie::sharding {

using replication::Rule;
using replication::Swap;

namespace {

constexpr int most_rounds = 200;  // of a rehearsal: no plan takes as many

std::string names(const std::vector<Member>& members) {
  std::string out;
  for (const auto& member : members) out += (out.empty() ? "" : ", ") + member.node;
  return out;
}

/// What the swap changes.
void note(const Register& before, const Swap& swap, std::vector<PlannedStep>& out) {
  using Kind = PlannedStep::Kind;
  const auto& after = swap.desired;
  if (after.primary != before.primary)
    out.push_back({swap.shard, Kind::fail_over, before.primary, after.primary});
  if (after.moves() && !before.moves())
    out.push_back({swap.shard, Kind::move, before.primary, after.successor.node});
  for (const auto& member : after.replicas)
    if (!holds(before.replicas, member)) out.push_back({swap.shard, Kind::copy, "", member.node});
  for (const auto& member : before.replicas)
    if (!holds(after.replicas, member)) out.push_back({swap.shard, Kind::drop, member.node, ""});
}

/// What primaries do with it: learners that are up come in sync, who has no copy any more goes, the
/// successor leads.
void carry_out(Register& entry, const ClusterView& nodes) {
  for (const auto& member : entry.replicas)
    if (!holds(entry.in_sync, member) && nodes.is_up(member)) entry.in_sync.push_back(member);
  for (auto at = entry.in_sync.begin(); at != entry.in_sync.end();) {
    const bool ends = !holds(entry.replicas, *at) && entry.in_sync.size() > entry.min_in_sync;
    at = ends ? entry.in_sync.erase(at) : at + 1;
  }
  if (entry.moves() && holds(entry.in_sync, entry.successor))
    entry = entry.led_by(Member(entry.successor), {}, Rule::handed_over);
}

}  // namespace

std::string explain_rule(const Register& entry) {
  if (entry.epoch == Epoch{}) return "it was never placed";
  const auto since =
      "'" + entry.primary + "' leads since epoch " + std::to_string(entry.rule_epoch.value) + ": ";
  const auto& before = entry.before;
  switch (entry.rule) {
    case Rule::placed: return since + "the first plan placed it there";
    case Rule::restarted: return since + "it led before its restart, and nobody else took over";
    case Rule::failed_over:
      return since + "'" + before +
             "', which led before, was silent; of those in sync that were up "
             "it led least";
    case Rule::disk_failed:
      return since + "'" + before + "', which led before, could not: its disk failed";
    case Rule::handed_over: return since + "'" + before + "' handed it over, a planned move";
    case Rule::forced: return since + "an operator forced it from '" + before + "'";
  }
  return since;
}

std::vector<std::string> explain_state(const Register& entry,
                                       const std::vector<PlaceableNode>& nodes,
                                       const PlacementConfig& config) {
  std::vector<std::string> out;
  const ClusterView view(nodes);
  for (const auto& member : entry.replicas) {
    const auto at = view.find(member);
    if (at == nobody || !view.at(at).up)
      out.push_back("'" + member.node + "' is down" +
                    (view.is_gone(member) ? " for good: its copy is made anew elsewhere"
                                          : "; it has some seconds to come back"));
    else if (!holds(entry.in_sync, member))
      out.push_back("'" + member.node + "' learns: it is not in sync yet");
    else if (view.at(at).draining) out.push_back("'" + member.node + "' is being drained");
    else if (view.at(at).cordoned)
      out.push_back("'" + member.node + "' is cordoned: it keeps what it has");
  }
  if (entry.moves()) out.push_back("it is on its way to '" + entry.successor.node + "'");
  if (entry.replicas.size() < config.replicas)
    out.push_back("it has " + std::to_string(entry.replicas.size()) + " of " +
                  std::to_string(config.replicas) + " copies: no other node takes one");
  const auto up = std::count_if(entry.in_sync.begin(), entry.in_sync.end(),
                                [&](const auto& member) { return view.is_up(member); });
  if (up == 0)
    out.push_back("unavailable: all that were in sync are down (" + names(entry.in_sync) +
                  "); bring one back with its disk, or lose what only they have: coterie "
                  "force-primary");
  else if (static_cast<std::uint32_t>(up) < entry.min_in_sync)
    out.push_back("nothing commits: " + std::to_string(up) + " in sync are up, " +
                  std::to_string(entry.min_in_sync) + " must be");
  return out;
}

std::vector<PlannedStep> rehearse(std::vector<Register> registers, std::vector<PlaceableNode> nodes,
                                  const PlacementConfig& config) {
  std::vector<PlannedStep> out;
  for (auto& node : nodes) node.settled = true, node.arrives = false;
  const ClusterView view(nodes);
  for (auto& entry : registers) carry_out(entry, view);
  for (int round = 0; round < most_rounds; ++round) {
    auto swaps = plan_replicas(registers, nodes, config);
    if (swaps.empty()) swaps = plan_balance(registers, nodes, config);
    if (swaps.empty()) break;
    for (const auto& swap : swaps) {
      auto& entry = registers[swap.shard.value];
      note(entry, swap, out);
      entry = swap.desired;
      carry_out(entry, view);
    }
  }
  return out;
}

}  // namespace coterie::sharding
