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
  if (!table_.formed())
    return "waiting for the shard table" +
           (registers_leader().empty()
                ? ": the placement registers have no leader" + missing_voters()
                : "");
  if (!stale_disk_.empty()) return stale_disk_;
  if (life_.step != Life::Step::known)
    return "waiting for the registers to confirm that this data directory is the newest";
  if (awaits_votes_) return few_voters();
  return "";
}

/// ", missing: x, y", as far as this node is of the registers' group and knows.
std::string NodeCore::missing_voters() const {
  std::string out;
  if (!store_) return out;
  for (const auto& id : store_->raft().configuration().voters)
    if (id.node != config_.name && !links_.is_up(links_.lane_to(id.node, 0)))
      out += (out.empty() ? "; missing: " : ", ") + id.node;
  return out;
}

/// Of those that are served here: too few of the copies that are in sync are up. Looked at again
/// and again while anything is wrong, so who is there is found out once.
std::size_t NodeCore::stuck_shards() const {
  std::vector<replication::raft::MemberId> there{{config_.name, config_.stored.disk}};
  for (const auto& [name, meta] : metas_)
    if (present(name)) there.push_back({name, meta.disk});
  const auto is_up = [&](const auto& copy) {
    return std::any_of(there.begin(), there.end(), [&](const auto& one) {
      return one.node == copy.node &&
             (copy.disk == 0 || replication::same_directory(one.disk, copy.disk));
    });
  };
  std::size_t stuck = 0;
  for (const auto& [shard, status] : status_) {
    const auto& entry = table_.at(shard);
    if (status.phase != ShardPhase::serving || entry.primary != config_.name) continue;
    const auto up = std::count_if(entry.in_sync.begin(), entry.in_sync.end(), is_up);
    stuck += static_cast<std::uint32_t>(up) < entry.min_in_sync ? 1 : 0;
  }
  return stuck;
}

Readiness NodeCore::readiness() const {
  if (auto why = waits_for(); !why.empty()) return {.ready = false, .reason = std::move(why)};
  Readiness out{.ready = true};
  if (config_.foreign_meta) return out;
  if (!swim_.in_office())
    out.degraded.push_back(
        "this member's own network is at fault: it stepped down and is on probation");
  if (disk_.slow()) out.degraded.emplace_back(slow_disk);
  const auto [led, serving] = tell_own_shards(out.degraded);
  if (config_.entity_types != 0 && serving < led)
    return {
        .ready = false,
        .reason = "recovering " + std::to_string(led - serving) + " of " + plural(led, "shard")};
  if (registers_leader().empty())
    out.degraded.push_back(
        "the placement registers have no leader: nothing changes hands until a "
        "majority of their voters is back" +
        missing_voters());
  if (auto few = few_voters(); !few.empty()) out.degraded.push_back(std::move(few));
  if (const auto stuck = stuck_shards(); stuck > 0)
    out.degraded.push_back(plural(stuck, "shard") +
                           " of this node can commit nothing: too few of the copies that are in "
                           "sync are up (coterie explain)");
  tell_lost_shards(out.degraded);
  tell_other_types(out.degraded);
  return out;
}

/// As long as a new build is rolled out; else one of them was configured wrongly.
void NodeCore::tell_other_types(std::vector<std::string>& degraded) const {
  std::string names;
  for (const auto& [name, meta] : metas_)
    if (config_.entity_types != 0 && meta.entity_types != 0 && present(name) &&
        meta.cluster == cluster_ && meta.entity_types != config_.entity_types)
      names += (names.empty() ? "'" : ", '") + name + "'";
  if (!names.empty())
    degraded.push_back("other entity types than here are registered by " + names +
                       ": commands of a type that a shard's owner lacks are refused");
}

/// Whoever reads the log alone sees what it waits for, and since when.
void NodeCore::tick_health(Instant now, NodeEffects& out) {
  if (now < next_health_) return;
  const bool first = next_health_ == Instant{};
  next_health_ = now + health_interval;
  if (first || leaving_) return;
  const auto state = readiness();
  std::string text = state.ready ? "" : "not ready: " + state.reason;
  for (const auto& what : state.degraded) text += (text.empty() ? "degraded: " : "; ") + what;
  if (text == told_health_) return;
  told_health_ = text;
  out.emplace_back(LogEvent{text.empty() ? LogLevel::info : LogLevel::warning,
                            text.empty() ? "ready, and nothing is wrong" : std::move(text)});
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
