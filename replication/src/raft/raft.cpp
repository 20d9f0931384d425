#include "coterie/replication/raft/raft.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::replication::raft {

Raft::Raft(RaftConfig config, MemberId self, Stored stored, Random random, Instant now,
           StateCheck valid)
    : config_(config),
      valid_(valid),
      self_(std::move(self)),
      random_(random),
      hard_(std::move(stored.hard)),
      log_(std::move(stored.snapshot), std::move(stored.entries)),
      commit_(log_.snapshot().index),
      applied_(log_.snapshot().index),
      disk_(log_.last(), config.max_held) {
  rest(now);
}

Effects Raft::receive(const Message& message, Instant now) {
  Effects out;
  // Who has our name but not our disk was meant: we know nothing of what it promised.
  if (message.to != self_ || message.from == self_) return out;
  std::visit([&](const auto& body) { on(message.from, message.term, body, now, out); },
             message.body);
  return finish(std::move(out));
}

Effects Raft::tick(Instant now) {
  Effects out;
  if (leads()) {
    if (now >= quorum_at_) check_quorum(now, out);
    tick_transfer(now, out);
  }
  if (leads() && now >= heartbeat_at_) {
    heartbeat_at_ = now + config_.heartbeat;
    broadcast(true, out);
  }
  if (!leads() && now >= election_at_) pre_campaign(now, out);
  return finish(std::move(out));
}

Instant Raft::next_deadline() const {
  if (!leads()) return election_at_;
  const auto at = earliest(heartbeat_at_, quorum_at_);
  return transfer_ ? earliest(at, transfer_->until) : at;
}

Effects Raft::persisted(std::uint64_t batch, Instant now) {
  Effects out;
  disk_.synced(batch, [&](Message message) { out.emplace_back(Send{std::move(message)}); });
  if (role_ == Role::candidate && own_vote_batch_ == batch) {
    votes_[self_] = true;
    count_votes(now, out);
  }
  if (leads()) advance_commit(out);
  return finish(std::move(out));
}

/// Whatever the input changed goes to the disk as one write, and what was said behind it waits.
Effects Raft::finish(Effects out) {
  if (hard_changed_ || snapshot_changed_ || changed_from_ != Index{}) {
    Persist persist{.batch = disk_.write(log_.last())};
    if (std::exchange(hard_changed_, false)) persist.hard = hard_;
    if (persist.hard && mutated("raft: the vote is not durable")) persist.hard->vote = {};
    if (std::exchange(snapshot_changed_, false)) persist.snapshot = log_.snapshot();
    persist.from = std::exchange(changed_from_, Index{});
    if (persist.from != Index{})
      for (auto i = persist.from; i <= log_.last(); i = next(i))
        persist.entries.push_back(log_.at(i));
    out.emplace_back(std::move(persist));
  }
  disk_.release(mutated("raft: answers before the disk has it"),
                [&](Message message) { out.emplace_back(Send{std::move(message)}); });
  return out;
}

void Raft::say(const MemberId& to, decltype(Message::body) body, Effects& out) {
  out.emplace_back(Send{{.from = self_, .to = to, .term = hard_.term, .body = std::move(body)}});
}

void Raft::say_durably(const MemberId& to, decltype(Message::body) body) {
  say_durably(to, hard_.term, std::move(body));
}

void Raft::say_durably(const MemberId& to, Term term, decltype(Message::body) body) {
  disk_.stage({.from = self_, .to = to, .term = term, .body = std::move(body)});
}

void Raft::become_follower(Term term, const MemberId& leader, Effects& out) {
  COTERIE_ENSURE(term >= hard_.term);
  if (term > hard_.term) {
    hard_ = {.term = term};
    hard_changed_ = true;
  }
  if (leads()) {
    fail_reads(out);
    peers_.clear();
    transfer_.reset();
    heartbeat_at_ = quorum_at_ = never;
  }
  role_ = Role::follower;
  votes_.clear();
  if (leader_ == leader) return;
  leader_ = leader;
  out.emplace_back(LeaderChanged{hard_.term, leader_});
}

void Raft::apply_committed(Effects& out) {
  while (applied_ < commit_) {
    applied_ = next(applied_);
    out.emplace_back(Apply{applied_, log_.at(applied_)});
  }
  finish_reads(out);
}

}  // namespace coterie::replication::raft
