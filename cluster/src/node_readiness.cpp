/// What a node says of itself: whether it may be given work, and what an operator should know
/// although it may. Each text says what is wrong; docs/OPERATIONS.md what to do.
#include <map>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {
namespace {

std::string plural(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

/// What it waits for before it may serve anything; empty: nothing.
std::string NodeCore::waits_for() const {
  if (leaving_) return "leaving";
  if (config_.foreign_meta)  // membership alone: there is no cluster to wait for
    return swim_.joined() && (!config_.seeded || !config_.seeds.empty())
               ? ""
               : "waiting to join a pool through --join";
  if (!cluster_.is_set())
    return config_.seeded ? "waiting to join a cluster through --join"
                          : "waiting for " + std::to_string(config_.bootstrap_expect) +
                                " live members, there are " + std::to_string(swim_.present());
  if (config_.entity_types == 0) return "";
  if (!table_.formed()) return "waiting for the shard table";
  if (!stale_disk_.empty()) return stale_disk_;
  if (life_.step != Life::Step::known)
    return "waiting for the registers to confirm that this data directory is the newest";
  return "";
}

Readiness NodeCore::readiness() const {
  if (auto why = waits_for(); !why.empty()) return {.ready = false, .reason = std::move(why)};
  Readiness out{.ready = true};
  if (config_.foreign_meta) return out;
  if (!swim_.in_office())
    out.degraded.push_back(
        "this member's own network is at fault: it stepped down and is on probation");
  if (slow_) out.degraded.emplace_back(slow_disk);
  const auto [led, serving] = tell_own_shards(out.degraded);
  if (config_.entity_types != 0 && serving < led)
    return {
        .ready = false,
        .reason = "recovering " + std::to_string(led - serving) + " of " + plural(led, "shard")};
  if (registers_leader().empty())
    out.degraded.push_back(
        "the placement registers have no leader: nothing changes hands until a majority of their "
        "voters is back");
  tell_lost_shards(out.degraded);
  return out;
}

/// How many shards this node leads, and how many of them it does what it can for.
std::pair<std::size_t, std::size_t> NodeCore::tell_own_shards(
    std::vector<std::string>& degraded) const {
  std::size_t led = 0, serving = 0, useless = 0;
  std::string why;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const bool leads = table_.registers[i].primary == config_.name;
    led += leads ? 1 : 0;
    const auto status = status_.find(ShardId{i});
    if (status == status_.end()) continue;
    const auto phase = status->second.phase;
    if (phase == ShardPhase::failed && leads)
      degraded.push_back("shard " + std::to_string(i) + ": " + status->second.detail);
    if (phase == ShardPhase::failed && !leads && useless++ == 0) why = status->second.detail;
    const bool done = phase == ShardPhase::serving || phase == ShardPhase::handing_over ||
                      phase == ShardPhase::failed;
    serving += leads && done ? 1 : 0;
  }
  if (useless > 0)
    degraded.push_back(std::string("of this node's copies ") + std::to_string(useless) +
                       " cannot be used, others lead these shards: " + why);
  return {led, serving};
}

/// Whose primary is not here, with the directory that the register names.
void NodeCore::tell_lost_shards(std::vector<std::string>& degraded) const {
  std::map<std::string, std::size_t> lost;
  for (const auto& entry : table_.registers)
    if (!entry.primary.empty() && entry.primary != config_.name && !is_there(entry.leader()))
      ++lost[entry.primary];
  for (const auto& [name, count] : lost)
    degraded.push_back(plural(count, "shard") + " " + (count == 1 ? "is" : "are") +
                       " unavailable: node '" + name + "' is " +
                       (present(name) ? "back with another data directory" : "down"));
}

}  // namespace coterie::cluster
