#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/raft/raft.hpp"

namespace coterie::replication::raft {

/// Waits for a leader; who has no vote waits for ever.
void Raft::rest(Instant now) {
  election_at_ = is_voter() ? now + config_.election_min +
                                  random_.below(config_.election_max - config_.election_min)
                            : never;
  // The others may have been about to hear of it: after a hint it asks again soon, a few times.
  if (quick_tries_ == 0 || election_at_ == never) return;
  --quick_tries_;
  const auto turn = static_cast<std::int64_t>(configuration().voters.size());
  election_at_ = now + config_.hint_spread * turn;
}

/// Asks without disturbing anybody whether an election could be won (thesis 9.6).
void Raft::pre_campaign(Instant now, Effects& out) {
  if (!is_voter()) return void(election_at_ = never);
  become_follower(hard_.term, {}, out);
  rest(now);
  role_ = Role::pre_candidate;
  votes_[self_] = true;
  const VoteRequest request{.pre = true, .last = log_.last(), .last_term = log_.last_term()};
  for (const auto& id : configuration().voters)
    if (id != self_) say(id, request, out);
  count_votes(now, out);
}

void Raft::campaign(bool transfer, Instant now, Effects& out) {
  become_follower(next(hard_.term), {}, out);
  rest(now);
  role_ = Role::candidate;
  hard_.vote = self_;
  own_vote_batch_ = disk_.next_batch();  // what finish() is about to write
  const VoteRequest request{
      .transfer = transfer, .last = log_.last(), .last_term = log_.last_term()};
  for (const auto& id : configuration().voters)
    if (id != self_) say_durably(id, request);
}

void Raft::count_votes(Instant now, Effects& out) {
  const auto& voters = configuration().voters;
  const auto in_favour = std::count_if(voters.begin(), voters.end(), [&](const MemberId& id) {
    const auto vote = votes_.find(id);
    return vote != votes_.end() && vote->second;
  });
  if (static_cast<std::size_t>(in_favour) < configuration().quorum()) return;
  if (role_ == Role::pre_candidate) campaign(false, now, out);
  else if (role_ == Role::candidate) lead(now, out);
}

void Raft::lead(Instant now, Effects& out) {
  role_ = Role::leader;
  quick_tries_ = 0;
  leader_ = self_;
  out.emplace_back(LeaderChanged{hard_.term, leader_});
  election_at_ = never;
  heartbeat_at_ = now + config_.heartbeat;
  quorum_at_ = now + config_.election_max;
  peers_.clear();
  know_peers(now);
  append_own(EntryKind::nothing, {});
  term_start_ = log_.last();
  broadcast(false, out);
}

void Raft::on(const MemberId& from, Term term, const VoteRequest& request, Instant now,
              Effects& out) {
  // Who hears a leader does not help to unseat it: one that was cut off cannot disturb (4.2.3).
  const bool led = leads() || (!leader_.node.empty() && now < leader_heard_ + config_.election_min);
  if (led && !request.transfer) return;
  if (term < hard_.term) return say(from, VoteReply{.pre = request.pre}, out);
  const bool up_to_date = request.last_term > log_.last_term() ||
                          (request.last_term == log_.last_term() && request.last >= log_.last()) ||
                          mutated("raft: votes for a log that is behind");
  if (request.pre) {  // its term is the one it has, not the one it would have
    out.emplace_back(Send{{.from = self_,
                           .to = from,
                           .term = term,
                           .body = VoteReply{.pre = true, .granted = up_to_date}}});
    return;
  }
  if (term > hard_.term) {
    become_follower(term, {}, out);
    if (election_at_ == never || election_at_ < now) rest(now);
  }
  const bool free = hard_.vote.node.empty() || hard_.vote == from ||
                    (request.transfer && mutated("raft: a second vote for a transfer's target"));
  const bool granted = role_ == Role::follower && free && up_to_date;
  if (granted && hard_.vote != from) {
    hard_.vote = from;
    hard_changed_ = true;
    rest(now);
  }
  say_durably(from, VoteReply{.granted = granted});
}

void Raft::on(const MemberId& from, Term term, const VoteReply& reply, Instant now, Effects& out) {
  if (term > hard_.term) {
    become_follower(term, {}, out);
    return rest(now);
  }
  if (term < hard_.term) return;
  if (role_ != (reply.pre ? Role::pre_candidate : Role::candidate)) return;
  votes_[from] = reply.granted;
  count_votes(now, out);
}

void Raft::on(const MemberId& from, Term term, const TimeoutNow&, Instant now, Effects& out) {
  if (term == hard_.term && from == leader_ && !leads() && is_voter()) campaign(true, now, out);
}

/// A leader that no quorum answers steps down, so that its clients look for the other one (6.2).
void Raft::check_quorum(Instant now, Effects& out) {
  quorum_at_ = now + config_.election_max;
  std::size_t heard = 0;
  for (const auto& id : configuration().voters) {
    const auto peer = peers_.find(id);
    heard +=
        id == self_ || (peer != peers_.end() && peer->second.heard + config_.election_max > now)
            ? 1
            : 0;
  }
  if (heard >= configuration().quorum()) return;
  become_follower(hard_.term, {}, out);
  rest(now);
}

Effects Raft::suspect(const std::string& node, Instant now) {
  Effects out;
  if (leads() || leader_.node != node) return out;
  become_follower(hard_.term, {}, out);
  if (!is_voter()) return finish(std::move(out));
  quick_tries_ = config_.hint_tries;
  std::int64_t before = 0;
  for (const auto& id : configuration().voters) {
    if (id == self_) break;
    before += id.node == node ? 0 : 1;
  }
  election_at_ = earliest(election_at_, now + config_.hint_delay + config_.hint_spread * before);
  return finish(std::move(out));
}

bool Raft::transfer(const MemberId& to, Instant now, Effects& out) {
  if (!leads() || transfer_ || to == self_ || !configuration().is_voter(to)) return false;
  transfer_ = Transfer{to, now + config_.election_max};
  tick_transfer(now, out);
  out = finish(std::move(out));
  return true;
}

void Raft::tick_transfer(Instant now, Effects& out) {
  if (!transfer_) return;
  const auto peer = peers_.find(transfer_->to);
  if (now >= transfer_->until || peer == peers_.end()) return transfer_.reset();
  if (peer->second.match == log_.last() && !std::exchange(transfer_->told, true))
    say(transfer_->to, TimeoutNow{}, out);
  else if (!transfer_->told) send_entries(transfer_->to, peer->second, false, out);
}

}  // namespace coterie::replication::raft
