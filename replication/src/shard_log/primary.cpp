#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::replication::shard_log {

Effects ShardReplica::assigned(const Assignment& assignment, Instant now, Bytes barrier) {
  Effects out;
  if (assignment.epoch == assignment_.epoch &&
      mutated("shard: takes a read of the old epoch for the outcome")) {
    proposal_.reset();
    widened_.reset();
    propose_at_ = take_back_at_ = never;
  }
  if (assignment.epoch <= assignment_.epoch) return out;
  expect(assignment.epoch);
  // A restarted process never resumes an epoch that it led (invariant 6).
  const bool mine =
      assignment.primary == self_ &&
      (assignment.start == start_ || mutated("shard: a restarted primary resumes its epoch"));
  if (mine && is_bound(self_, now)) return out;
  assignment_ = assignment;
  // By an operator's word what we know as committed may be so no longer.
  if (assignment.forced > forced_) {
    forced_ = assignment.forced;
    if (assignment.primary != self_) commit_ = {};
  }
  const bool follows = assignment.epoch == next(epoch_);
  if (leading_ && mine && (follows || mutated("shard: acks are carried across a skipped epoch"))) {
    // The same life leads on: what was acknowledged to it stands (invariant 7).
    epoch_ = assignment.epoch;
    open_epoch(std::move(barrier));
    know_peers(now);
    broadcast(true, out);
    finish_reads(out);  // who has not confirmed may be in I no longer
  } else {
    if (leading_) step_down(out);
    if (mine) lead(now, std::move(barrier), out);
  }
  return finish(std::move(out));
}

/// A fresh leadership: nobody has acknowledged anything to it, and nothing is answered before its
/// barrier is committed (invariants 7 and 8).
void ShardReplica::lead(Instant now, Bytes barrier, Effects& out) {
  const bool fenced =
      promised_ > assignment_.epoch && !mutated("shard: leads below its own promise");
  if (fenced || !holds(assignment_.in_sync, self_)) return;
  leading_ = true;
  serving_ = false;
  epoch_ = assignment_.epoch;
  peers_.clear();
  asked_.clear();
  heartbeat_at_ = next_heartbeat(now);
  ticked_ = now;
  open_epoch(std::move(barrier));
  know_peers(now);
  broadcast(false, out);
}

/// All shards of a node at the same moments: one wake-up, and one frame for each peer.
Instant ShardReplica::next_heartbeat(Instant now) const {
  const auto beat = config_.heartbeat;
  return Instant{} + ((now - Instant{}) / beat + 1) * beat;
}

/// NewEpoch is the promise of this epoch, ours and everybody's.
void ShardReplica::open_epoch(Bytes barrier) {
  promised_ = std::max(promised_, epoch_);
  promised_changed_ = true;
  proposal_.reset();
  take_back_at_ = never;
  propose_at_ = never;
  widened_.reset();
  append_entry({.epoch = epoch_, .barrier = true, .record = std::move(barrier)});
  barrier_ = last_;
}

void ShardReplica::step_down(Effects& out) {
  leading_ = serving_ = false;
  peers_.clear();
  proposal_.reset();
  take_back_at_ = never;
  widened_.reset();
  heartbeat_at_ = propose_at_ = never;
  for (const auto& read : std::exchange(reads_, {})) out.emplace_back(ReadFailed{read.token});
  out.emplace_back(SteppedDown{epoch_});
}

void ShardReplica::know_peers(Instant now) {
  std::erase_if(peers_, [&](const auto& peer) {
    return !holds(assignment_.replicas, peer.first) && !holds(assignment_.in_sync, peer.first);
  });
  for (const auto* set : {&assignment_.in_sync, &assignment_.replicas})
    for (const auto& replica : *set)
      if (replica != self_) peers_.try_emplace(replica, Peer{.next = last_, .heard = now});
}

std::optional<LogIndex> ShardReplica::append(Bytes record, Effects& out) {
  if (!accepts()) return std::nullopt;
  append_entry({.epoch = epoch_, .record = std::move(record)});
  const auto index = last_;
  broadcast(false, out);
  out = finish(std::move(out));
  return index;
}

void ShardReplica::broadcast(bool again, Effects& out) {
  for (auto& [replica, peer] : peers_) send_entries(replica, peer, again, out);
}

void ShardReplica::send_entries(const Replica& to, Peer& peer, bool again, Effects& out) {
  if (peer.sent > peer.answered && !again) return;
  peer.next = std::max(peer.next, first());
  const auto oldest = last_.value + 1 - tail_.size();  // in memory
  std::vector<Entry> entries;
  if (peer.next.value < oldest) {
    if (!std::exchange(peer.reading, true)) out.emplace_back(ReadLog{to, peer.next});
    if (!again) return;  // the heartbeat goes without entries
  } else {
    std::size_t bytes = 0;
    for (auto i = peer.next.value; i <= last_.value; ++i) {
      const auto& entry = tail_[i - oldest];
      if (!entries.empty() && bytes + entry.record.size() > config_.batch_bytes) break;
      bytes += entry.record.size();
      entries.push_back(entry);
    }
  }
  send(to, peer, peer.next, std::move(entries), out);
}

void ShardReplica::send(const Replica& to, Peer& peer, LogIndex from, std::vector<Entry> entries,
                        Effects& out) {
  const LogIndex previous{from.value - 1};
  peer.sent = ++numbers_;
  say(to,
      Append{.previous = previous,
             .previous_epoch = epoch_at(previous),
             .commit = commit_,
             .number = numbers_,
             .entries = std::move(entries),
             .begins = previous == base_.last && (previous != LogIndex{} || peer.discards),
             .discards = peer.discards && previous == base_.last},
      out);
}

Effects ShardReplica::log_read(const ReadLog& asked, std::vector<Entry> entries) {
  Effects out;
  const auto peer = peers_.find(asked.to);
  if (!leading_ || peer == peers_.end()) return out;
  peer->second.reading = false;
  // It went on meanwhile, or our log was cut: what it needs now is looked for anew.
  if (peer->second.next != asked.from || entries.empty() || asked.from < first()) return out;
  auto index = asked.from;
  for (const auto& entry : entries) {
    if (index > last_ || epoch_at(index) != entry.epoch) return out;
    index = next(index);
  }
  send(asked.to, peer->second, asked.from, std::move(entries), out);
  return finish(std::move(out));
}

/// Committed is what the whole ack set has on disk, the barrier of this epoch included: a primary
/// does not know what an earlier one committed until then (invariants 3, 5 and 8).
void ShardReplica::advance_commit(Effects& out) {
  if (assignment_.in_sync.size() < assignment_.min_in_sync) return;
  auto agreed =
      mutated("shard: the primary counts what is not on its disk") ? last_ : disk_.durable();
  for (const auto& replica : ack_set())
    if (replica != self_ && !(mutated("shard: one of the in-sync set is not waited for") &&
                              replica == assignment_.in_sync.back())) {
      const auto peer = peers_.find(replica);
      agreed = std::min(agreed, peer == peers_.end() ? LogIndex{} : peer->second.match);
    }
  if (agreed <= commit_ || (agreed < barrier_ && !mutated("shard: commits below its barrier")))
    return;
  commit_ = agreed;
  out.emplace_back(Committed{commit_});
  if (!std::exchange(serving_, true)) out.emplace_back(Serving{epoch_});
}

void ShardReplica::on(const Message& message, const Accepted& accepted, Instant now, Effects& out) {
  const auto found = peers_.find(message.from);
  if (!leading_ || message.epoch != epoch_ || found == peers_.end()) return;
  auto& peer = found->second;
  peer.heard = now;
  peer.answered = std::max(peer.answered, std::min(accepted.number, peer.sent));
  peer.discards = false;
  peer.match = std::max(peer.match, std::min(accepted.match, last_));
  peer.next = std::max(peer.next, next(peer.match));
  advance_commit(out);
  tick_in_sync(now, out);
  trim_tail();
  if (peer.next <= last_) send_entries(message.from, peer, false, out);
}

void ShardReplica::on(const Message& message, const Refused& refused, Instant now, Effects& out) {
  const auto found = peers_.find(message.from);
  if (!leading_ || message.epoch != epoch_ || found == peers_.end()) return;
  if (refused.promised > epoch_) return step_down(out);  // fenced: the register tells by whom
  auto& peer = found->second;
  peer.heard = now;
  peer.answered = std::max(peer.answered, std::min(refused.number, peer.sent));
  if (refused.hint <= peer.match) return;
  const auto tried = std::pair(peer.next, peer.discards);
  // Upwards goes only who has trimmed what we say; beyond our own end, who has what we never had.
  // We have all that is committed, unless an operator gave some up.
  peer.discards = serving_ && refused.hint > next(last_);
  peer.next = peer.discards ? first() : std::max({first(), next(peer.match), refused.hint});
  if (peer.next.value > last_.value + 1) peer.next = next(last_);
  if (std::pair(peer.next, peer.discards) == tried)
    return;  // the same again changes nothing; a heartbeat tries later
  send_entries(message.from, peer, false, out);
}

Effects ShardReplica::read(std::uint64_t token, Instant now) {
  Effects out;
  if (!serves() || reads_.size() >= config_.max_reads) {
    out.emplace_back(ReadFailed{token});
    return out;
  }
  if (has_lease(now)) {
    out.emplace_back(ReadReady{token, last_});
    renew_lease(now, out);
    return out;
  }
  ask_round(now, out);
  reads_.push_back({token, rounds_, last_});
  finish_reads(out);
  return out;
}

void ShardReplica::on(const Message& message, const Confirmed& confirmed, Instant now,
                      Effects& out) {
  const auto found = peers_.find(message.from);
  if (!leading_ || message.epoch != epoch_ || found == peers_.end()) return;
  found->second.heard = now;
  found->second.confirmed = std::max(found->second.confirmed, std::min(confirmed.round, rounds_));
  take_lease(found->second, confirmed, now);
  finish_reads(out);
}

void ShardReplica::finish_reads(Effects& out) {
  if (reads_.empty()) return;
  auto confirmed = rounds_;
  for (const auto& replica : ack_set())
    if (replica != self_) {
      const auto peer = peers_.find(replica);
      confirmed = std::min(confirmed, peer == peers_.end() ? 0 : peer->second.confirmed);
    }
  if (mutated("shard: reads without a confirmation round")) confirmed = rounds_;
  while (!reads_.empty() && reads_.front().round <= confirmed) {
    out.emplace_back(ReadReady{reads_.front().token, reads_.front().index});
    reads_.pop_front();
  }
}

}  // namespace coterie::replication::shard_log
