#include "coterie/cluster/node_core.hpp"

#include <algorithm>

namespace coterie::cluster {
namespace {

messaging::Hello hello_of(const NodeCoreConfig& config) {
  return {.cluster = config.cluster,
          .node = config.name,
          .start = config.start,
          .from_worker = 0,
          .session = config.session,
          .entity_types = config.entity_types};
}

Bytes first_meta(const NodeCoreConfig& config) {
  if (config.foreign_meta) return *config.foreign_meta;
  return membership::encode(membership::NodeMeta{.link = config.link,
                                                 .management = config.management,
                                                 .data_workers = config.data_workers,
                                                 .start = config.start,
                                                 .cluster = config.cluster,
                                                 .entity_types = config.entity_types,
                                                 .disk = config.stored.disk,
                                                 .traits = config.traits});
}

}  // namespace

NodeCore::NodeCore(NodeCoreConfig config, Random random, Instant now)
    : config_(std::move(config)),
      random_(random),
      swim_(config_.swim, config_.name, config_.gossip, first_meta(config_), random_.split(), now),
      links_(config_.links, hello_of(config_), random_.split()),
      parts_(config_.parts, {"gossip", "links", "management"}, random_.split()),
      cluster_(config_.cluster) {
  life_.token = (random_.next() >> 1) | 1;
  if (cluster_.is_set()) open_store(now);
}

NodeEffects NodeCore::start(Instant now) {
  NodeEffects out;
  out.emplace_back(membership::MemberChanged{swim_.self(), true});  // the first member is we
  auto seeds = config_.seeds;
  seeds.insert(seeds.end(), config_.known_peers.begin(), config_.known_peers.end());
  take(swim_.join(std::move(seeds), now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::set_seeds(std::vector<Address> seeds, Instant now) {
  NodeEffects out;
  config_.seeds = seeds;
  seeds.insert(seeds.end(), config_.known_peers.begin(), config_.known_peers.end());
  take(swim_.set_seeds(std::move(seeds), now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::leave(Instant now) {
  NodeEffects out;
  if (leaving_) return out;
  give_all_away(now);
  return finish(std::move(out), now);
}

void NodeCore::give_all_away(Instant now) {
  leaving_ = true;
  hand_over_by_ = now + hand_over_limit;
  next_placement_ = next_beat_ = now;
  tick_beats(now);
}

NodeEffects NodeCore::depart(Instant now) {
  NodeEffects out;
  leaving_ = true;
  hand_over_by_ = handed_over_at_ = never;
  depart_now(now, out);
  return finish(std::move(out), now);
}

void NodeCore::depart_now(Instant now, NodeEffects& out) {
  if (leads_registers()) take(store_->hand_over(now), now, out);
  take(swim_.leave(now), now, out);
}

std::size_t NodeCore::leads_shards() const {
  return static_cast<std::size_t>(
      std::count_if(table_.registers.begin(), table_.registers.end(),
                    [&](const auto& entry) { return entry.primary == config_.name; }));
}

/// Once nothing is led here, or nobody else could.
void NodeCore::try_hand_over(Instant now, NodeEffects& out) {
  if (hand_over_by_ == never) return;
  const auto left = leads_shards();
  const bool possible =
      std::any_of(table_.registers.begin(), table_.registers.end(), [&](const auto& entry) {
        return entry.primary == config_.name &&
               std::any_of(entry.in_sync.begin(), entry.in_sync.end(), [&](const auto& member) {
                 return member.node != config_.name && is_there(member) &&
                        !leaving_peers_.contains(member.node);
               });
      });
  if (possible && now < hand_over_by_) return void(handed_over_at_ = never);
  if (handed_over_at_ == never)
    handed_over_at_ = cluster_.is_set() && lanes_up_.size() > 0 ? now + farewell : now;
  if (now < handed_over_at_) return;
  hand_over_by_ = handed_over_at_ = never;
  if (left > 0 && !lanes_up_.empty())
    out.emplace_back(LogEvent{LogLevel::warning, "leaving with " + std::to_string(left) +
                                                     " shards that nobody else can lead now"});
  if (failure_) depart_now(now, out);
  else out.emplace_back(HandedOver{left});
}

/// What every input ends with: whatever became possible is done now, once.
NodeEffects NodeCore::finish(NodeEffects out, Instant now) {
  for (const auto& node : std::exchange(suspects_, {}))
    if (store_ && !old_copy_) take(store_->suspect(node, now), now, out);
  try_hand_over(now, out);
  if (!leaving_) {
    try_bootstrap(out);
    try_place(now, out);
    tick_life(now, out);
    claim(now, out);
  }
  if (routes_dirty_ && now >= next_publish_) publish_routes(now, out);
  if (std::exchange(remember_, false)) remember_peers(out);
  messaging::LinkEffects effects;
  links_.flush(now, effects);
  take(std::move(effects), now, out);
  await_votes(now);
  was_ready_ = was_ready_ || readiness().ready;
  return out;
}

/// Once an input, whatever it brought, and no more than a restart needs.
void NodeCore::remember_peers(NodeEffects& out) {
  RememberPeers remember;
  for (const auto& member : swim_.members()) {
    if (member.name == config_.name || !member.is_present()) continue;
    if (remember.gossip.size() >= max_remembered_peers) break;
    remember.gossip.push_back(member.gossip);
  }
  out.emplace_back(std::move(remember));
}

NodeEffects NodeCore::tick(Instant now) {
  NodeEffects out;
  take(swim_.tick(now), now, out);
  messaging::LinkEffects effects;
  links_.tick(now, effects);
  take(std::move(effects), now, out);
  supervise(parts_.tick(now), out);
  if (disk_.slow() || disk_.store_hangs(now)) watch_disk(now, out);
  if (now - announced_at_ >= leader_silence) announced_leader_.clear();
  tick_beats(now);
  if (store_ && !old_copy_) take(store_->tick(now), now, out);
  tick_voters(now, out);
  tick_placement(now, out);
  tick_proposals(now, out);
  tick_health(now, out);
  tick_founder(now, out);
  return finish(std::move(out), now);
}

Instant NodeCore::next_deadline() const {
  auto at = earliest(swim_.next_deadline(), links_.next_deadline());
  at = earliest(at, parts_.next_deadline());
  if (!lanes_up_.empty()) at = earliest(at, next_beat_);
  if (store_ && !old_copy_) at = earliest(at, earliest(store_->next_deadline(), next_voters_));
  if (leads_registers()) at = earliest(at, earliest(next_placement_, look_at_));
  at = earliest(at, earliest(propose_at_, next_health_));
  at = earliest(at, disk_.next_deadline());
  if (awaits_votes_) at = earliest(at, votes_by_);
  if (routes_dirty_) at = earliest(at, next_publish_);
  at = earliest(at, handed_over_at_ != never ? handed_over_at_ : hand_over_by_);
  if (leaving_ || config_.entity_types == 0) return at;
  if (life_.step != Life::Step::known)
    return cluster_.is_set() && !old_copy_ && life_.step != Life::Step::keep
               ? earliest(at, life_.ask_at)
               : at;
  return table_.formed() ? earliest(at, claim_at_) : at;
}

NodeEffects NodeCore::part_failed(const std::string& part, const std::string& reason, Instant now) {
  NodeEffects out;
  out.emplace_back(LogEvent{LogLevel::warning, "part '" + part + "' failed: " + reason});
  supervise(parts_.child_failed(part, reason, now), out);
  return finish(std::move(out), now);
}

void NodeCore::supervise(const supervision::SupervisorEffects& effects, NodeEffects& out) {
  for (const auto& effect : effects) {
    if (const auto* start = std::get_if<supervision::StartChild>(&effect)) {
      out.emplace_back(StartPart{start->child});
    } else if (const auto* up = std::get_if<supervision::Escalate>(&effect)) {
      out.emplace_back(
          Stop{error(Errc::unavailable, "part '" + up->child + "' keeps failing: " + up->reason)});
    }
  }
}

NodeEffects NodeCore::shard_status(const ShardStatus& status, Instant now) {
  NodeEffects out;
  status_[status.shard] = status;
  watch_disk(now, out);
  return finish(std::move(out), now);
}

void NodeCore::watch_disk(Instant now, NodeEffects& out) {
  if (disk_.store_hangs(now) && leads_registers() && now >= lead_elsewhere_at_) {
    lead_elsewhere_at_ = now + store_patience;
    take(store_->hand_over(now), now, out);
  }
  const bool stalls = std::any_of(status_.begin(), status_.end(),
                                  [](const auto& known) { return known.second.stalls; });
  if (disk_.look(stalls, now))
    out.emplace_back(LogEvent{LogLevel::warning, std::string(slow_disk)});
  const auto failed = std::find_if(status_.begin(), status_.end(),
                                   [](const auto& known) { return known.second.disk_failed; });
  if (failed == status_.end() || failure_) return;
  failure_ = error(Errc::storage, "the journal failed for good: " + failed->second.detail +
                                      "; restart this node on a sound disk");
  out.emplace_back(LogEvent{LogLevel::error, failure_->detail + "; it leaves now"});
  if (!leaving_) give_all_away(now);
}

std::vector<MemberInfo> NodeCore::members(Instant now) const {
  std::vector<MemberInfo> out;
  for (const auto& member : swim_.members())
    out.push_back({member, membership::decode_node_meta(member.meta), swim_.phi(member.name, now)});
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.member.name < b.member.name; });
  return out;
}

}  // namespace coterie::cluster
