#include <algorithm>

#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

using replication::RecordKind;

void ShardCore::set_phase(ShardId shard, ShardPhase phase, const std::string& detail,
                          ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.phase = phase;
  out.report({shard, hosted.epoch, phase, detail});
}

/// Starts what this life newly leads; those of one snapshot are recovered in one pass over the
/// journal.
void ShardCore::lead(const std::vector<std::pair<ShardId, Epoch>>& lead, ShardSink& out) {
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i)
    if (hosted_[i].phase != ShardPhase::idle &&
        hosted_[i].epoch < current_->table.registers[i].epoch)
      release(ShardId{i}, out);
  std::vector<ShardId> fresh;
  for (const auto& [shard, epoch] : lead) {
    if (worker_of(shard, config_.data_workers) != config_.self.from_worker) continue;
    auto& hosted = hosted_[shard.value];
    if (hosted.epoch >= epoch || epoch < current_->table.at(shard).epoch) continue;
    hosted.epoch = epoch;
    set_phase(shard, ShardPhase::recovering, "", out);
    if (hosted.owed == LogIndex{}) fresh.push_back(shard);
  }
  if (!fresh.empty()) start_recovery(std::move(fresh), out);
}

void ShardCore::start_recovery(std::vector<ShardId> shards, ShardSink& out) {
  const auto token = next_read_++;
  for (const auto shard : shards) hosted_[shard.value].recovery = token;
  out.recover(token, std::move(shards));
}

/// A later epoch leads, here or elsewhere: what this one held ends. Answers that waited for the
/// disk stay unknown, commands that waited find their way anew, and entities go: their log is
/// elsewhere.
void ShardCore::release(ShardId shard, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  for (const auto& held : hosted.held) held_bytes_ -= held_cost(held);
  for (const auto& unsynced : hosted.unsynced) unsynced_bytes_ -= unsynced.bytes;
  for (const auto& held : std::exchange(hosted.held, {}))
    answer(held.to,
           {.status = static_cast<std::uint8_t>(Errc::unavailable),
            .shard = shard,
            .retry_after_ms = 10,
            .payload = view("the shard moved before the answer; outcome unknown, retry with the "
                            "same command id")},
           out);
  const auto rehome = [&](std::deque<Parked>& waiting) {
    std::move(waiting.begin(), waiting.end(), std::back_inserter(unrouted_));
    waiting.clear();
  };
  rehome(hosted.parked);
  const auto ours = [&](sharding::EntitySlot slot) { return entities_.at(slot).shard == shard; };
  for (auto& [slot, waiting] : mailboxes_)
    if (ours(slot)) rehome(waiting);
  std::erase_if(mailboxes_, [&](const auto& box) { return ours(box.first); });
  std::erase_if(replays_, [&](const auto& replay) { return ours(replay.second); });
  std::erase_if(faults_, [&](const auto& fault) { return ours(fault.first); });
  entities_.drop_shard(shard);
  Hosted ended{.epoch = hosted.epoch, .owed = hosted.owed, .owed_epoch = hosted.owed_epoch};
  if (!hosted.unsynced.empty()) ended.owed = hosted.last, ended.owed_epoch = hosted.epoch;
  unsynced_ -= hosted.unsynced.size();
  hosted = std::move(ended);
  set_phase(shard, ShardPhase::idle, "", out);
}

/// The journal answered for a record of an epoch that ended; after the last one the newer epoch may
/// read the log.
void ShardCore::settle(ShardId shard, Epoch epoch, LogIndex index, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (hosted.owed == LogIndex{} || epoch != hosted.owed_epoch || index < hosted.owed) return;
  hosted.owed = {};
  if (hosted.phase == ShardPhase::recovering) start_recovery({shard}, out);
}

/// Whoever waits for it hears so.
void ShardCore::fail_shard(ShardId shard, const std::string& why, Instant now, ShardSink& out) {
  set_phase(shard, ShardPhase::failed, why, out);
  unpark(hosted_[shard.value].parked, now, out);
}

/// Rebuilds the heads and the duplicate table; a record that does not continue its log fails the
/// shard, which is then never served: where disk and data disagree the answer is an alarm, not a
/// guess.
void ShardCore::recovered(const Bytes& bytes, std::uint64_t token, Instant now, ShardSink& out) {
  const auto record = replication::read_record(bytes);
  if (!record) {
    out.log({LogLevel::error, "recovery: " + to_string(record.error()) +
                                  "; restore the data directory from a good copy"});
    for (std::uint16_t i = 0; i < sharding::shard_count; ++i)
      if (hosted_[i].phase == ShardPhase::recovering && hosted_[i].recovery == token)
        fail_shard(ShardId{i}, "corrupt journal", now, out);
    return;
  }
  auto& hosted = hosted_.at(record->shard.value % sharding::shard_count);
  if (hosted.phase != ShardPhase::recovering || hosted.recovery != token) return;
  const bool continues = record->index == next(hosted.last) &&
                         record->chain == replication::chain_after(hosted.chain, bytes);
  if (!continues) {
    out.log({LogLevel::error, "recovery: shard " + std::to_string(record->shard.value) +
                                  " has a gap after record " + std::to_string(hosted.last.value) +
                                  "; restore the data directory from a good copy"});
    return fail_shard(record->shard, "broken log", now, out);
  }
  hosted.last = hosted.durable = record->index;
  hosted.chain = record->chain;
  hosted.clock = std::max(hosted.clock, record->clock);
  if (record->kind != RecordKind::events) return;
  const auto type = std::find_if(types_.begin(), types_.end(),
                                 [&](const auto& t) { return t.id == record->type; });
  if (type == types_.end()) return;  // its commands are answered with unknown_entity_type
  const auto id = text(record->entity);
  auto& entity = entities_.at(entities_.obtain(sharding::entity_hash(id), *type, id));
  entity.head = record->index;
  entity.sequence = record->sequence;
  hosted.duplicates.remember(
      {record->command, record->index, record->sequence, record->epoch, to_bytes(record->reply)});
}

void ShardCore::finish_recovery(const replication::RecoveryFinished& done, Instant now,
                                ShardSink& out) {
  for (const auto shard : done.shards) {
    const auto& hosted = hosted_[shard.value];
    if (hosted.phase != ShardPhase::recovering || hosted.recovery != done.token) continue;
    if (done.error) fail_shard(shard, done.error->detail, now, out);
    else start_barrier(shard, now, out);
  }
}

void ShardCore::start_barrier(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.retry_barrier_at = never;
  set_phase(shard, ShardPhase::barrier, "", out);
  out.reset(shard, next(hosted.last));  // whatever an earlier epoch left behind in the journal
  hosted.unsynced.push_back({next(hosted.last), FlatIndex::none, {}, {}, hosted.chain, 0});
  ++unsynced_;
  hosted.last = next(hosted.last);
  replication::AppendRequest request{
      .shard = shard, .epoch = hosted.epoch, .index = hosted.last, .barrier = true};
  hosted.chain = replication::append_record(request.record,
                                            {.kind = RecordKind::new_epoch,
                                             .shard = shard,
                                             .epoch = hosted.epoch,
                                             .index = hosted.last,
                                             .clock = tick_clock(hosted, now)},
                                            hosted.chain);
  out.append(std::move(request));
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
