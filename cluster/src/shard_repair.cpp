/// A copy whose disk lost what it had acknowledged: it is never served, says so, and is made anew
/// from the others, under another name. Its damaged part is deleted only once the registers know
/// that name and another copy was heard to lead: that one has everything. Source: placement
/// contract, invariant 10 and "Where disk and data disagree"; docs/adr/0010-renewed-copies.md.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/copy_id.hpp"

namespace coterie::cluster {

namespace shard_log = replication::shard_log;
using replication::LogState;
using replication::Register;
using replication::Rule;

namespace {

constexpr Duration name_pause = 200ms;  // a proposal may get lost on each of its ways

}  // namespace

/// The name of this node's copy.
replication::raft::MemberId ShardCore::self(ShardId shard) const {
  return {config_.self.node, replication::renewed(config_.disk, hosted_[shard.value].renewals)};
}

/// A name that this node's copy has or had.
bool ShardCore::is_ours(const replication::raft::MemberId& member) const {
  return replication::same_directory(member, {config_.self.node, config_.disk});
}

bool ShardCore::has_others(const Register& entry) const {
  return !std::all_of(entry.in_sync.begin(), entry.in_sync.end(),
                      [&](const auto& member) { return is_ours(member); });
}

/// Somebody else who is in sync can be reached.
bool ShardCore::has_company(const Register& entry) const {
  return std::any_of(entry.in_sync.begin(), entry.in_sync.end(), [&](const auto& member) {
    const auto* const other = peer(member.node);
    return !is_ours(member) && replication::is_current(entry, member) && other != nullptr &&
           has_copy(*other, member);
  });
}

/// The register has a copy of this node, and not under the name that it has. One that is in sync is
/// on its way out, if it is no replica.
bool ShardCore::needs_name(ShardId shard) const {
  const auto& entry = current_->table.at(shard);
  return names_us(entry) && !shard_log::holds(entry.replicas, self(shard)) &&
         !shard_log::holds(entry.in_sync, self(shard));
}

/// A damaged copy never leads: who does has everything that is committed (invariant 4).
void ShardCore::note_leader(ShardId shard, const shard_log::Message& message) {
  const auto& entry = current_->table.at(shard);
  if (message.from == entry.leader() && !is_ours(message.from) && message.epoch == entry.epoch)
    hosted_[shard.value].led_in = entry.epoch;
}

/// A log that may lack its last record is as good as damaged, unless there is no better one.
void ShardCore::find_damage(const replication::RecoveredLog& log) {
  auto& hosted = hosted_[log.shard.value];
  hosted.renewals = log.renewals;
  const auto& entry = current_->table.at(log.shard);
  if (log.state == LogState::damaged || log.first != hosted.history.first()) hosted.damaged = true;
  hosted.suspect = log.state == LogState::suspect && !hosted.damaged;
  if (hosted.suspect && has_others(entry)) hosted.damaged = true;
  if (mutated("repair: a damaged copy comes back as the same replica")) hosted.damaged = false;
  hosted.sound_to = hosted.applied;
  hosted.damaged_in = entry.epoch;
}

void ShardCore::close_damaged(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.damaged = true;
  ++counters_.damages;
  const auto what =
      hosted.suspect
          ? "the journal has a damaged record that may have been this log's last"
          : "the journal is damaged behind record " + std::to_string(hosted.sound_to.value);
  const auto& entry = current_->table.at(shard);
  const auto give_up = "or give up what is lost: coterie force-primary " +
                       std::to_string(shard.value) + " " + config_.self.node;
  const auto remedy =
      !has_others(entry)
          ? "no other copy is in sync; restore the data directory from a good copy, " + give_up
      : !has_company(entry)
          ? "nobody else who is in sync is here (coterie shards); bring one back with its data "
            "directory, " +
                give_up
      : hosted.renewals >= replication::max_renewals
          ? std::string("for the hundredth time: give this node a new data directory")
          : std::string("this copy is made anew once another one leads");
  close_shard(shard, error(Errc::storage, what + "; " + remedy), never, now, out);
}

/// Step by step, each one again until it is seen: another one leads, the registers know the new
/// name, the damaged part is gone.
void ShardCore::repair(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  const auto& entry = current_->table.at(shard);
  if (hosted.suspect && !has_others(entry)) return void(hosted.reopen_at = now);  // the best one
  if (hosted.renewing != 0 || hosted.renewals >= replication::max_renewals || !names_us(entry))
    return;
  const replication::raft::MemberId anew{config_.self.node,
                                         replication::renewed(config_.disk, hosted.renewals + 1)};
  const bool forced =
      entry.rule == Rule::forced && is_ours(entry.leader()) && entry.rule_epoch > hosted.damaged_in;
  hosted.claim_at = now + name_pause;
  if (!forced && is_ours(entry.leader())) return give_up(shard, now, out);
  if (!forced && !has_company(entry)) return;
  if (!shard_log::holds(entry.replicas, anew)) return propose_name(shard, anew, now, out);
  // Presence is not enough: the others may be damaged as well, and wait for us.
  if (forced || hosted.led_in == entry.epoch) renew(shard, out);
}

/// Its old names go, but for one that is in sync: that one the primary replaces, once the new one
/// has everything (invariant 3).
void ShardCore::propose_name(ShardId shard, const replication::raft::MemberId& name, Instant now,
                             ShardSink& out) {
  hosted_[shard.value].claim_at = now + name_pause;
  const auto& entry = current_->table.at(shard);
  auto desired = entry;
  desired.epoch = next(entry.epoch);
  if (entry.rule == Rule::forced && is_ours(entry.leader()) && entry.in_sync.size() == 1) {
    desired = entry.led_by(name, config_.self.start, Rule::forced);
    desired.in_sync = {name};
  }
  std::erase_if(desired.replicas, [&](const auto& member) {
    return is_ours(member) && !shard_log::holds(desired.in_sync, member);
  });
  if (is_ours(desired.successor)) desired.successor = {};
  if (!shard_log::holds(desired.replicas, name)) desired.replicas.push_back(name);
  if (desired.replicas.size() > replication::planned_shard_members) return;
  out.propose({shard, entry.epoch, std::move(desired)});
}

void ShardCore::renew(ShardId shard, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.claim_at = never;
  hosted.renewing = hosted.next_batch++;
  out.reset(shard);
  out.append({.shard = shard,
              .epoch = current_->table.at(shard).epoch,
              .index = next(hosted.sound_to),
              .replaces = true,
              .begins = hosted.sound_to == LogIndex{},
              .batch = hosted.renewing,
              .record = {},
              .renewal = hosted.renewals + 1});
}

/// The cut is durable: the log is read once more, and this copy learns the rest.
bool ShardCore::renewed(const replication::Appended& done, Instant now) {
  auto& hosted = hosted_[done.shard.value];
  if (hosted.renewing == 0 || done.batch != hosted.renewing) return false;
  hosted.renewing = 0;
  hosted.reopen_at = now;
  ++counters_.renewals;
  return true;
}

}  // namespace coterie::cluster
