#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/raft/raft.hpp"

namespace coterie::replication::raft {

/// One change at a time, and none before an entry of the leader's own term is committed: otherwise
/// two quorums of different configurations need not overlap (thesis 4.1 and its erratum).
bool Raft::may_change() const {
  return leads() && !transfer_ && commit_ >= term_start_ &&
         (log_.configuration_index() <= commit_ || mutated("raft: two changes at once"));
}

void Raft::change(Configuration next, Instant now, Effects& out) {
  append_own(EntryKind::configuration, encode(next));
  know_peers(now);
  broadcast(false, out);
  advance_commit(out);
  out = finish(std::move(out));
}

/// A peer for every other member of the configuration in force.
void Raft::know_peers(Instant now) {
  std::erase_if(peers_, [&](const auto& peer) { return !configuration().contains(peer.first); });
  for (const auto* members : {&configuration().voters, &configuration().learners})
    for (const auto& id : *members)
      if (id != self_) peers_.try_emplace(id, Peer{.next = next(log_.last()), .heard = now});
}

bool Raft::add_learner(const MemberId& id, Instant now, Effects& out) {
  auto wanted = configuration();
  if (!may_change() || wanted.contains(id) || wanted.learners.size() >= max_learners) return false;
  wanted.learners.push_back(id);
  change(std::move(wanted), now, out);
  return true;
}

bool Raft::promote(const MemberId& id, Instant now, Effects& out) {
  auto wanted = configuration();
  if (!may_change() || !wanted.is_learner(id) || wanted.voters.size() >= max_voters) return false;
  if (!caught_up(id)) return false;
  std::erase(wanted.learners, id);
  wanted.voters.push_back(id);
  change(std::move(wanted), now, out);
  return true;
}

bool Raft::remove(const MemberId& id, Instant now, Effects& out) {
  auto wanted = configuration();
  // Who removes itself may leave the others with logs that cannot win without it: it hands over
  // first. For the same reason the removed one is not told by us (thesis 4.2.2 lets it campaign).
  if (!may_change() || !wanted.contains(id) || id == self_) return false;
  std::erase(wanted.learners, id);
  std::erase(wanted.voters, id);
  change(std::move(wanted), now, out);
  return true;
}

bool Raft::caught_up(const MemberId& id) const {
  const auto peer = peers_.find(id);
  return peer != peers_.end() && peer->second.match >= commit_;
}

std::optional<Instant> Raft::heard_of(const MemberId& id) const {
  const auto peer = peers_.find(id);
  return peer == peers_.end() ? std::nullopt : std::optional(peer->second.heard);
}

/// A read waits until a quorum answered a round that began after it: this is still the leader, so
/// nothing newer is committed elsewhere (thesis 6.4).
Effects Raft::read(std::uint64_t token, Instant now) {
  Effects out;
  if (!leads() || reads_.size() >= config_.max_reads) {
    out.emplace_back(ReadFailed{token});
    return out;
  }
  reads_.push_back({.token = token, .after = round_, .index = std::max(commit_, term_start_)});
  broadcast(true, out);
  heartbeat_at_ = now + config_.heartbeat;
  finish_reads(out);
  return finish(std::move(out));
}

void Raft::finish_reads(Effects& out) {
  if (reads_.empty()) return;
  std::vector<std::uint64_t> rounds;
  for (const auto& id : configuration().voters) {
    const auto peer = peers_.find(id);
    rounds.push_back(id == self_ ? UINT64_MAX : peer == peers_.end() ? 0 : peer->second.answered);
  }
  std::sort(rounds.begin(), rounds.end(), std::greater<>());
  const auto confirmed = mutated("raft: reads without asking a quorum")
                             ? UINT64_MAX
                             : rounds[configuration().quorum() - 1];
  while (!reads_.empty() && reads_.front().after < confirmed && reads_.front().index <= applied_) {
    out.emplace_back(ReadReady{reads_.front().token});
    reads_.pop_front();
  }
}

void Raft::fail_reads(Effects& out) {
  for (const auto& read : reads_) out.emplace_back(ReadFailed{read.token});
  reads_.clear();
}

}  // namespace coterie::replication::raft
