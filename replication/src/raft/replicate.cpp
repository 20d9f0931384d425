#include "coterie/core/mutation.hpp"
#include "coterie/replication/raft/raft.hpp"

namespace coterie::replication::raft {

void Raft::append_own(EntryKind kind, Bytes data) {
  log_.append({hard_.term, kind, std::move(data)});
  if (changed_from_ == Index{}) changed_from_ = log_.last();
}

std::optional<Index> Raft::propose(Bytes command, Effects& out) {
  if (!leads() || transfer_ || log_.last().value - commit_.value >= config_.max_uncommitted ||
      log_.bytes() >= config_.max_log_bytes)
    return std::nullopt;
  append_own(EntryKind::command, std::move(command));
  const auto index = log_.last();
  broadcast(false, out);
  advance_commit(out);
  out = finish(std::move(out));
  return index;
}

void Raft::broadcast(bool again, Effects& out) {
  for (auto& [id, peer] : peers_) send_entries(id, peer, again, out);
}

/// One message with entries is under way at a time; what is proposed meanwhile goes with the next.
/// `again`: the heartbeat, which also mends what got lost.
void Raft::send_entries(const MemberId& to, Peer& peer, bool again, Effects& out) {
  if (peer.sent > peer.answered && !again) return;
  if (peer.next <= log_.snapshot().index) return send_chunk(to, peer, out);
  const Index previous{peer.next.value - 1};
  AppendEntries append{.previous = previous,
                       .previous_term = *log_.term(previous),
                       .commit = commit_,
                       .round = ++round_};
  std::size_t bytes = 0;
  for (auto i = peer.next; i <= log_.last() && append.entries.size() < max_entries; i = next(i)) {
    const auto& entry = log_.at(i);
    if (!append.entries.empty() && bytes + entry.data.size() > config_.batch_bytes) break;
    bytes += entry.data.size();
    append.entries.push_back(entry);
  }
  peer.sent = round_;
  say(to, std::move(append), out);
}

/// Committed is what a quorum has durably, in our own term; what is older is committed with it
/// (figure 8 of the paper).
void Raft::advance_commit(Effects& out) {
  const auto own =
      mutated("raft: the leader counts what is not on its disk") ? log_.last() : disk_.durable();
  std::vector<Index> matches;
  for (const auto& id : configuration().voters) {
    const auto peer = peers_.find(id);
    matches.push_back(id == self_ ? own : peer != peers_.end() ? peer->second.match : Index{});
  }
  if (mutated("raft: a learner counts"))
    for (const auto& id : configuration().learners)
      if (const auto peer = peers_.find(id); peer != peers_.end())
        matches.push_back(peer->second.match);
  if (matches.empty()) return;
  std::sort(matches.begin(), matches.end(), std::greater<>());
  const auto agreed = matches[configuration().quorum() - 1];
  const bool ours = log_.term(agreed) == hard_.term;
  if (agreed <= commit_ || (!ours && !mutated("raft: commits an older term by counting"))) return;
  commit_ = agreed;
  apply_committed(out);
}

void Raft::on(const MemberId& from, Term term, const AppendEntries& append, Instant now,
              Effects& out) {
  if (term < hard_.term)  // it led once; our term tells it
    return say_durably(from, AppendReply{.hint = next(log_.last()), .round = append.round});
  if (leads() && term == hard_.term) return;  // cannot be; no peer may stop us by saying it
  become_follower(term, from, out);
  leader_heard_ = now;
  quick_tries_ = 0;
  auto reply = take_entries(append);
  rest(now);  // after the entries: they may have made us a voter
  reply.round = append.round;
  if (reply.accepted) {
    const auto known = std::min(
        append.commit, mutated("raft: commits what it did not verify") ? log_.last() : reply.match);
    commit_ = std::max(commit_, known);
    apply_committed(out);
  }
  say_durably(from, reply);
}

AppendReply Raft::take_entries(const AppendEntries& append) {
  const auto base = log_.snapshot().index;
  if (append.previous > log_.last()) return {.hint = next(log_.last())};
  if (append.previous >= base && log_.term(append.previous) != append.previous_term &&
      !mutated("raft: does not compare the entry before"))
    return {.hint = log_.first_of_term(append.previous)};
  auto index = append.previous;
  for (const auto& entry : append.entries) {
    index = next(index);
    if (index <= base) continue;  // in the snapshot, so it is the same
    if (const auto held = log_.term(index)) {
      if (*held == entry.term) continue;
      if (index <= commit_) return {.hint = next(commit_)};  // cannot be, and not by a peer's word
      log_.truncate_from(index);
      disk_.cut(log_.last());
      changed_from_ = changed_from_ == Index{} ? index : std::min(changed_from_, index);
    }
    log_.append(entry);
    if (changed_from_ == Index{}) changed_from_ = index;
  }
  return {.accepted = true, .match = index};
}

/// Whose answer it is to what we sent in this term; null: nobody's, and a later term ends ours.
Raft::Peer* Raft::answering(const MemberId& from, Term term, std::uint64_t round, Instant now,
                            Effects& out) {
  if (term > hard_.term) {
    become_follower(term, {}, out);
    rest(now);
    return nullptr;
  }
  const auto found = peers_.find(from);
  if (term < hard_.term || found == peers_.end()) return nullptr;
  auto& peer = found->second;
  peer.heard = now;
  peer.answered = std::max(peer.answered, std::min(round, peer.sent));
  return &peer;
}

void Raft::on(const MemberId& from, Term term, const AppendReply& reply, Instant now,
              Effects& out) {
  auto* const answers = answering(from, term, reply.round, now, out);
  if (answers == nullptr) return;
  auto& peer = *answers;
  if (reply.accepted) {
    peer.match = std::max(peer.match, std::min(reply.match, log_.last()));
    peer.next = std::max(peer.next, next(peer.match));
    advance_commit(out);
    tick_transfer(now, out);
  } else if (reply.hint > peer.match) {
    peer.next = std::max(next(peer.match), std::min(reply.hint, peer.next));
    if (peer.next > next(log_.last())) peer.next = next(log_.last());
  }
  finish_reads(out);
  if (peer.next <= log_.last()) send_entries(from, peer, false, out);
}

}  // namespace coterie::replication::raft
