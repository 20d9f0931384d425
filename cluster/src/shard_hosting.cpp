#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/checkpoint.hpp"
#include "coterie/replication/copy_id.hpp"

namespace coterie::cluster {

namespace shard_log = replication::shard_log;
using replication::RecordKind;

namespace {

constexpr Duration claim_pause = 200ms;  // a proposal may get lost on each of its ways

shard_log::Assignment assignment_of(const replication::Register& entry) {
  return {.epoch = entry.epoch,
          .primary = {entry.primary, entry.disk},
          .start = entry.start,
          .in_sync = entry.in_sync,
          .replicas = entry.replicas,
          .min_in_sync = entry.min_in_sync,
          .forced = entry.rule == replication::Rule::forced ? entry.rule_epoch : Epoch{}};
}

}  // namespace

void ShardCore::set_phase(ShardId shard, ShardPhase phase, const std::string& detail,
                          ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.phase = phase;
  out.report({shard, current_ ? current_->table.at(shard).epoch : Epoch{}, phase, detail,
              hosted.delay.lag(), hosted.delay.stalls(), hosted.delay.failed()});
}

bool ShardCore::names_us(const replication::Register& entry) const {
  const auto ours = [&](const auto& member) { return is_ours(member); };
  return std::any_of(entry.in_sync.begin(), entry.in_sync.end(), ours) ||
         std::any_of(entry.replicas.begin(), entry.replicas.end(), ours);
}

/// Opens the copies that this node is to have; those of one snapshot are read in one pass over the
/// journal. A copy that is open stays so: it costs little, and may be wanted again.
void ShardCore::host(Instant now, ShardSink& out) {
  std::vector<ShardId> fresh;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const ShardId shard{i};
    if (worker_of(shard, config_.data_workers) != config_.self.from_worker) continue;
    auto& hosted = hosted_[i];
    if (hosted.phase == ShardPhase::idle && current_->opens &&
        names_us(current_->table.at(shard))) {
      set_phase(shard, ShardPhase::recovering, "", out);
      fresh.push_back(shard);
    }
    hand_in(shard, now, out);
    hand_off(shard, now, out);
    if (hosted.phase == ShardPhase::serving && !hosted.parked.empty())
      unpark(hosted.parked, now, out);
    if (!mutated("hand-off: parked commands go after Moved")) send_parked_on(shard, now, out);
  }
  if (!fresh.empty()) start_recovery(std::move(fresh), out);
}

void ShardCore::start_recovery(std::vector<ShardId> shards, ShardSink& out) {
  const auto token = next_read_++;
  for (const auto shard : shards) {
    hosted_[shard.value].recovery = token;
    hosted_[shard.value].damaged = hosted_[shard.value].suspect = false;
    hosted_[shard.value].sound_to = {};
    hosted_[shard.value].history = {};
  }
  out.recover(token, std::move(shards));
}

/// What comes behind a damaged record is passed over: where disk and data disagree the answer is an
/// alarm, not a guess.
void ShardCore::recovered(ShardId shard, const Bytes& bytes, std::uint64_t token, Instant now,
                          ShardSink& out) {
  auto& hosted = hosted_[shard.value % sharding::shard_count];
  if (hosted.phase != ShardPhase::recovering || hosted.recovery != token || hosted.damaged) return;
  const auto record = replication::read_record(bytes);
  if (!record && replication::is_sound(bytes))  // no damage: newer code wrote it
    return close_shard(shard, error(Errc::storage, "recovery: " + to_string(record.error())), never,
                       now, out);
  if (record && record->kind == RecordKind::checkpoint &&
      !replication::decode_checkpoint(record->reply))
    return close_shard(shard, error(Errc::storage, "recovery: a checkpoint of newer code"), never,
                       now, out);
  if (!record || record->shard != shard || !check_next(hosted, *record, bytes).empty()) {
    hosted.damaged = true;
    return;
  }
  apply(hosted, *record, bytes);
  if (hosted.starts.empty() || hosted.starts.back().epoch != record->epoch)
    hosted.starts.push_back({record->epoch, record->index});
}

void ShardCore::finish_recovery(const replication::RecoveryFinished& done, Instant now,
                                ShardSink& out) {
  for (const auto& log : done.logs) {
    const auto shard = log.shard;
    auto& hosted = hosted_[shard.value];
    if (hosted.phase != ShardPhase::recovering || hosted.recovery != done.token) continue;
    if (done.error) {  // read or not, nothing is known of its records
      hosted.damaged = false;
      close_shard(shard, *done.error, never, now, out);
      continue;
    }
    find_damage(log);
    if (hosted.damaged) {
      close_damaged(shard, now, out);
      continue;
    }
    hosted.end = hosted.applied;
    looks_at_disk_ = true;  // it may be well again
    hosted.replica = std::make_unique<shard_log::ShardReplica>(
        config_.replica, self(shard), config_.self.start,
        shard_log::Stored{.base = hosted.history.base,
                          .starts = std::exchange(hosted.starts, {}),
                          .last = hosted.applied,
                          .promised = log.promised,
                          .first_batch = hosted.next_batch,
                          .opened = now});
    out.reset(shard);  // whatever this life left behind in the journal
    set_phase(shard, ShardPhase::backup, "", out);
    hand_in(shard, now, out);
  }
}

/// Gives the replica the newest register, once this copy knows all of its log if it is to lead.
void ShardCore::hand_in(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (!current_) return;
  const auto& entry = current_->table.at(shard);
  if (hosted.phase == ShardPhase::failed && hosted.claim_at == never)
    hosted.claim_at = now;  // it may have become the primary meanwhile: another one has to
  if (!hosted.replica) return;
  if (entry.epoch <= hosted.replica->assignment().epoch) return;
  auto assignment = assignment_of(entry);
  const bool ours = assignment.primary == self(shard) && assignment.start == config_.self.start;
  const bool may_lead = ours && entry.epoch > hosted.closed;
  hosted.replica->expect(entry.epoch);
  if (may_lead && hosted.applied < hosted.replica->last()) return catch_up(shard, out);
  if (may_lead && !hosted.replica->leads() && now < hosted.replica->granted_until())
    return void(hosted.lead_at = hosted.replica->granted_until());
  if (ours && !may_lead) {
    assignment.start = {};
    hosted.claim_at = now;
  }
  if (hosted.suspect && has_others(entry)) return close_damaged(shard, now, out);
  // Who made the register knew an older name of this copy.
  if (needs_name(shard)) hosted.claim_at = now;
  if (assignment.primary != self(shard) && is_ours(assignment.primary)) hosted.claim_at = now;
  Bytes barrier;
  if (may_lead) barrier = barrier_of(shard, entry.epoch, now);
  take(shard, hosted.replica->assigned(assignment, now, std::move(barrier)), now, out);
}

Bytes ShardCore::barrier_of(ShardId shard, Epoch epoch, Instant now) {
  auto& hosted = hosted_[shard.value];
  Bytes record;
  (void)replication::append_record(record,
                                   {.kind = RecordKind::new_epoch,
                                    .shard = shard,
                                    .epoch = epoch,
                                    .index = expected(hosted),
                                    .clock = tick_clock(hosted, now)},
                                   hosted.chain);
  return record;
}

/// What this life led is led on under a later epoch: a fresh leadership, with a barrier.
void ShardCore::claim(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.claim_at = never;
  auto desired = current_->table.at(shard);
  if (hosted.damaged && hosted.phase == ShardPhase::failed) return repair(shard, now, out);
  if (hosted.phase == ShardPhase::failed) return give_up(shard, now, out);
  if (!hosted.replica) return;
  if (is_ours(desired.leader()) && desired.leader() != self(shard)) {
    if (!shard_log::holds(desired.in_sync, self(shard))) return give_up(shard, now, out);
    hosted.claim_at = now + claim_pause;
    const auto known = desired.epoch;
    return out.propose(
        {shard, known,
         desired.led_by(self(shard), config_.self.start, replication::Rule::restarted)});
  }
  if (needs_name(shard)) return propose_name(shard, self(shard), now, out);
  if (desired.leader() != self(shard) || desired.epoch > hosted.closed) return;
  hosted.claim_at = now + claim_pause;
  const auto expected = desired.epoch;
  desired.epoch = next(expected);
  out.propose({shard, expected, std::move(desired)});
}

/// This copy cannot serve again: another one that is in sync leads on.
void ShardCore::give_up(ShardId shard, Instant now, ShardSink& out) {
  auto desired = current_->table.at(shard);
  const auto ours = desired.leader();
  if (!is_ours(ours)) return;
  hosted_[shard.value].claim_at = now + claim_pause;
  std::vector<std::pair<const Peer*, replication::raft::MemberId>> heirs;
  for (const auto& peer : current_->peers)
    for (const auto& member : desired.in_sync)
      if (has_copy(peer, member) && replication::is_current(desired, member))
        heirs.emplace_back(&peer, member);
  const bool some_are_well =
      std::any_of(heirs.begin(), heirs.end(), [](const auto& one) { return !one.first->slow; });
  if (some_are_well) std::erase_if(heirs, [](const auto& one) { return one.first->slow; });
  if (heirs.empty()) return;
  // Those whose disks are all full would give it to each other for ever, as fast as they can.
  auto& gave_up_at = hosted_[shard.value].gave_up_at;
  if (!some_are_well && now < gave_up_at + give_up_pause)
    return void(hosted_[shard.value].claim_at = gave_up_at + give_up_pause);
  gave_up_at = now;
  // Who was chosen, or another one each time: the first may have failed as well.
  const auto chosen = std::find_if(
      heirs.begin(), heirs.end(), [&](const auto& one) { return one.second == desired.successor; });
  const auto& [heir, member] =
      chosen != heirs.end() ? *chosen : heirs[desired.epoch.value % heirs.size()];
  const auto expected = desired.epoch;
  desired = desired.led_by(member, heir->start, replication::Rule::disk_failed);
  if (desired.in_sync.size() > desired.min_in_sync) std::erase(desired.in_sync, ours);
  out.propose({shard, expected, std::move(desired)});
}

/// The disk or the data failed: this copy says nothing more, until it was read again.
void ShardCore::close_shard(ShardId shard, const Error& why, Instant reopen_at, Instant now,
                            ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (hosted.replica) {
    const auto epoch = std::max(hosted.replica->epoch(), hosted.replica->assignment().epoch);
    if (epoch > hosted.closed) hosted.failing_since = never;  // it was led, or followed, since
    hosted.closed = std::max(hosted.closed, epoch);
    hosted.next_batch = hosted.replica->next_batch();
  }
  hosted.replica.reset();
  hosted.delay = {};
  step_down(shard,
            {.status = static_cast<std::uint8_t>(Errc::storage),
             .shard = shard,
             .retry_after_ms = 500,
             .payload = view(why.detail)},
            out);
  cancel_reading(shard);
  forget(shard);
  hosted.reopen_at = reopen_at;
  hosted.failing_since = earliest(hosted.failing_since, now);
  hosted.failure = why.detail;
  set_phase(shard, ShardPhase::failed, why.detail, out);
  hosted.claim_at = now;
  if (reopen_at == never)
    out.log({LogLevel::error, "shard " + std::to_string(shard.value) + ": " + why.detail});
  unpark(hosted.parked, now, out);
}

Instant ShardCore::shards_due() const {
  hosted_.look([&](std::size_t i, const Hosted& hosted) {
    auto at = earliest(hosted.lead_at, earliest(hosted.claim_at, hosted.reopen_at));
    if (hosted.replica) at = earliest(at, hosted.replica->next_deadline());
    if (hosted.replica && hosted.replica->serves()) at = earliest(at, hosted.drain_until);
    due_.set(i, at);
  });
  return due_.earliest();
}

void ShardCore::tick_shards(Instant now, ShardSink& out) {
  if (shards_due() > now && !mutated("hand-off: parked commands go after Moved")) return;
  std::vector<ShardId> reopened;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    if (due_[i] > now && !mutated("hand-off: parked commands go after Moved")) continue;
    const ShardId shard{i};
    auto& hosted = hosted_[i];
    if (hosted.replica && hosted.replica->next_deadline() <= now)
      take(shard, hosted.replica->tick(now), now, out);
    if (hosted.lead_at <= now) {
      hosted.lead_at = never;
      hand_in(shard, now, out);
    }
    if (hosted.claim_at <= now) claim(shard, now, out);
    if (mutated("hand-off: parked commands go after Moved")) send_parked_on(shard, now, out);
    if (hosted.drain_until <= now) hand_off(shard, now, out);
    if (hosted.reopen_at > now) continue;
    hosted.reopen_at = never;
    set_phase(shard, ShardPhase::recovering, "", out);
    reopened.push_back(shard);
  }
  if (!reopened.empty()) start_recovery(std::move(reopened), out);
}

bool ShardCore::too_few_up(ShardId shard) const {
  const auto& entry = current_->table.at(shard);
  const auto up = std::count_if(entry.in_sync.begin(), entry.in_sync.end(), [&](const auto& copy) {
    const auto* const other = peer(copy.node);
    return is_ours(copy) || (other != nullptr && has_copy(*other, copy));
  });
  return static_cast<std::uint32_t>(up) < entry.min_in_sync;
}

/// What changed, and no more.
void ShardCore::report_lags(Instant now, ShardSink& out) {
  if (now < next_lag_report_) return;
  const bool late = now - next_lag_report_ >= lag_interval;
  next_lag_report_ = now + lag_interval;
  looks_at_disk_ = false;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& known = std::as_const(hosted_)[i];
    if (!known.replica) continue;
    auto& hosted = hosted_[i];
    if (hosted.delay.look(hosted.replica.get(), late)) set_phase(ShardId{i}, hosted.phase, "", out);
    hosted.delay.wait_in_vain(hosted.replica->leads() && too_few_up(ShardId{i}));
    looks_at_disk_ = looks_at_disk_ || hosted.delay.changes();
    // Not even its barrier: there is nothing to hand over in order.
    if (hosted.delay.looks() * lag_interval >= slow_drain_limit && hosted.replica->leads() &&
        !hosted.replica->serves())
      give_up(ShardId{i}, now, out);
  }
}

std::uint64_t ShardCore::wall_ms(Instant now) const {
  return static_cast<std::uint64_t>(config_.wall_offset_ms + now.nanos / 1'000'000);
}

/// Kulkarni et al., Logical Physical Clocks (2014).
std::uint64_t ShardCore::tick_clock(Hosted& hosted, Instant now) const {
  hosted.clock = std::max(hosted.clock + 1, wall_ms(now) << 16);
  return hosted.clock;
}

}  // namespace coterie::cluster
