#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::replication::shard_log {

/// Whose disks are waited for: I, and everybody who may be in the next I. Once proposed it may land
/// at any time, and reading the old epoch proves nothing (invariant 5).
std::vector<Replica> ShardReplica::ack_set() const {
  auto set = assignment_.in_sync;
  const auto add = [&](const Replica& replica) {
    if (!holds(set, replica)) set.push_back(replica);
  };
  if (widened_) add(*widened_);
  if (proposal_) {
    if (mutated("shard: shrinks before the swap is known")) set = proposal_->in_sync;
    for (const auto& replica : proposal_->in_sync) add(replica);
  }
  if (mutated("shard: grows without the newcomer's acks")) return assignment_.in_sync;
  return set;
}

/// It has everything up to our own barrier, and everything that is committed: before our barrier is
/// committed we do not know what an earlier primary had committed.
bool ShardReplica::is_caught_up(const Replica& replica) const {
  const auto peer = peers_.find(replica);
  if (peer == peers_.end()) return false;
  if (mutated("shard: grows with a lagging target")) return true;
  if (mutated("shard: grows up to the commit index only")) return peer->second.match >= commit_;
  return peer->second.match >= std::max(barrier_, commit_);
}

Effects ShardReplica::tick(Instant now) {
  Effects out;
  if (now >= granted_until_) take_deferred(now, out);
  if (!leading_) return finish(std::move(out));
  // Who stood still itself has heard nobody: what was said meanwhile waits to be read.
  if (const auto late = now - ticked_ - config_.heartbeat; late > Duration::zero())
    for (auto& [replica, peer] : peers_) peer.heard = earliest(now, peer.heard + late);
  ticked_ = now;
  if (now >= heartbeat_at_) {
    heartbeat_at_ = next_heartbeat(now);
    broadcast(true, out);
    if (!reads_.empty())
      for (const auto& replica : ack_set())
        if (replica != self_) say(replica, Confirm{rounds_, config_.lease}, out);
  }
  if (proposal_ && now >= take_back_at_) {
    take_back_at_ = never;
    proposal_->primary = self_;
    proposal_->start = start_;
    propose_at_ = now;
  }
  if (proposal_ && now >= propose_at_) {
    propose_at_ = now + config_.propose_again;
    out.emplace_back(Propose{*proposal_});
  }
  tick_in_sync(now, out);
  return finish(std::move(out));
}

/// One change at a time, until its outcome is known. I never shrinks below what may commit: a
/// silent member is then replaced by a learner that has caught up, in one swap.
void ShardReplica::tick_in_sync(Instant now, Effects& out) {
  if (proposal_) return;
  const auto silent = [&](const Replica& replica) {
    if (replica != self_ && !holds(assignment_.replicas, replica)) return true;  // not wanted
    const auto peer = peers_.find(replica);
    return peer != peers_.end() && now - peer->second.heard >= config_.silence;
  };
  if (widened_ && (silent(*widened_) || !holds(assignment_.replicas, *widened_))) widened_.reset();
  if (!widened_)
    for (const auto& replica : assignment_.replicas)
      if (!holds(assignment_.in_sync, replica) && peers_.contains(replica) && !silent(replica) &&
          is_caught_up(replica)) {
        widened_ = replica;
        break;
      }
  auto in_sync = assignment_.in_sync;
  const auto lost = std::find_if(in_sync.begin(), in_sync.end(), silent);
  const bool dropped = lost != in_sync.end();
  if (dropped) in_sync.erase(lost);
  const bool grown = widened_ && is_caught_up(*widened_);
  if (grown) in_sync.push_back(*widened_);
  if ((!dropped && !grown) || in_sync.size() < assignment_.min_in_sync) return;
  propose(std::move(in_sync), now, out);
}

void ShardReplica::propose(std::vector<Replica> in_sync, Instant now, Effects& out) {
  proposal_ = Assignment{.epoch = next(epoch_),
                         .primary = self_,
                         .start = start_,
                         .in_sync = std::move(in_sync),
                         .replicas = assignment_.replicas,
                         .min_in_sync = assignment_.min_in_sync};
  propose_at_ = now + config_.propose_again;
  out.emplace_back(Propose{*proposal_});
}

bool ShardReplica::may_hand_over(const Replica& to) const {
  return serves() && to != self_ && holds(assignment_.in_sync, to) && !proposal_ &&
         commit_ == last_ && reads_.empty();
}

Effects ShardReplica::hand_over(const Replica& to, StartId start, Instant now) {
  COTERIE_ENSURE(may_hand_over(to));
  Effects out;
  serving_ = false;
  widened_.reset();
  take_back_at_ = now + config_.take_back;
  propose(assignment_.in_sync, now, out);
  proposal_->primary = to;
  proposal_->start = start;
  std::get<Propose>(out.back()).desired = *proposal_;
  release_leases(out);
  return out;
}

}  // namespace coterie::replication::shard_log
