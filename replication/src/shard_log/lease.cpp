/// Read leases, opt-in: who confirms a round also says that nobody else gets its promise for a
/// while, and so long the primary reads without asking. Per shard, and asked for by reads alone.
/// Source: invariant 9; Gray and Cheriton, Leases (1989), sections 2 and 3;
/// docs/adr/0011-leases.md.
///
/// Why it holds: a later epoch serves only after the promise of its primary, who was in our I (4),
/// and everybody in I and pending granted. They count from the receipt and longer than we do, who
/// count from the send; so does who restarted and forgot. A grant binds to the replica, not to the
/// epoch: the same one may lead on.
#include <algorithm>

#include "coterie/core/mutation.hpp"
#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::replication::shard_log {

void ShardReplica::ask_round(Instant now, Effects& out) {
  ++rounds_;
  if (config_.lease > Duration::zero()) asked_.push_back({rounds_, now});
  if (asked_.size() > max_rounds_asked) asked_.pop_front();
  for (const auto& replica : ack_set())
    if (replica != self_) say(replica, Confirm{rounds_, config_.lease}, out);
}

/// Of everybody who may be needed for a later epoch.
bool ShardReplica::has_lease(Instant now) const {
  if (config_.lease == Duration::zero()) return false;
  const auto set = ack_set();
  return std::all_of(set.begin(), set.end(), [&](const Replica& replica) {
    const auto peer = peers_.find(replica);
    return replica == self_ || (peer != peers_.end() && peer->second.leased_until > now);
  });
}

/// In time, so that a shard that is read all the time never waits for a round.
void ShardReplica::renew_lease(Instant now, Effects& out) {
  if (!asked_.empty() && now - asked_.back().asked < config_.lease / 2) return;
  ask_round(now, out);
}

/// Counted from when it was asked for: what was granted began later, however long the answer took.
void ShardReplica::take_lease(Peer& peer, const Confirmed& confirmed, Instant now) {
  while (!asked_.empty() && asked_.front().asked + config_.lease <= now) asked_.pop_front();
  const auto round = std::find_if(asked_.begin(), asked_.end(), [&](const Round& asked) {
    return asked.number == confirmed.round;
  });
  if (round == asked_.end()) return;
  const bool from_receipt = mutated("shard: a lease is counted from its receipt");
  peer.leased_until = std::max(peer.leased_until, (from_receipt ? now : round->asked) +
                                                      std::min(confirmed.lease, config_.lease));
}

/// Answers that are still on their way grant nothing any more.
void ShardReplica::release_leases(Effects& out) {
  asked_.clear();
  for (auto& [replica, peer] : peers_)
    if (std::exchange(peer.leased_until, Instant{}) != Instant{}) say(replica, Release{}, out);
}

/// Who knows that another one is to lead lets what it granted run out.
Duration ShardReplica::grant(const Message& message, Duration asked, Instant now) {
  const auto lease = std::min(asked, config_.lease);
  if (lease <= Duration::zero() || later_ > message.epoch) return {};
  granted_to_ = message.from;
  granted_until_ = std::max(granted_until_, now + lease + lease / lease_drift);
  return lease;
}

bool ShardReplica::is_bound(const Replica& leader, Instant now) const {
  if (mutated("shard: promises another one what it granted")) return false;
  return leader != granted_to_ && now < granted_until_;
}

void ShardReplica::take_deferred(Instant now, Effects& out) {
  if (!deferred_) return;
  const auto message = *std::exchange(deferred_, std::nullopt);
  std::visit([&](const auto& body) { on(message, body, now, out); }, message.body);
}

void ShardReplica::on(const Message& message, const Release&, Instant now, Effects& out) {
  if (message.epoch != promised_ || message.from != granted_to_) return;
  granted_until_ = {};
  take_deferred(now, out);
}

}  // namespace coterie::replication::shard_log
