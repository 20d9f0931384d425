/// How a shard's log becomes shorter: the primary writes a checkpoint, then a snapshot of every
/// entity that still needs older records; whoever reads the next checkpoint, committed, lets go of
/// what comes before the last one. Source: placement contract, invariant 14;
/// docs/adr/0013-trimming.md.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"
#include "coterie/replication/checkpoint.hpp"

namespace coterie::cluster {

namespace shard_log = replication::shard_log;
using replication::RecordKind;
using sharding::EntityPhase;
using sharding::EntitySlot;

/// Of a log that begins with it, it is what the records before it said; others know that already.
void ShardCore::apply_checkpoint(Hosted& hosted, const replication::RecordView& record,
                                 ByteView bytes) {
  if (hosted.applied == LogIndex{} && record.index > LogIndex{1}) {
    if (auto checkpoint = replication::decode_checkpoint(record.reply)) {
      hosted.duplicates = std::move(checkpoint->duplicates);
      hosted.history.base = {LogIndex{record.index.value - 1}, checkpoint->previous_epoch};
    }
  }
  hosted.history.note_checkpoint(record.index, bytes.size());
}

/// This copy lacked what the others have trimmed: nothing of its own is of use.
void ShardCore::begin_anew(ShardId shard, const shard_log::Base& base, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  cancel_reading(shard);
  forget(shard);
  hosted.history.base = base;
  hosted.end = base.last;
  ++counters_.begun_anew;
  const std::string why = base.last == LogIndex{} ? "this copy has what an operator gave up"
                                                  : "this copy lacks what the others have trimmed";
  out.log({LogLevel::warning, "shard " + std::to_string(shard.value) + ": " + why +
                                  "; its log begins anew with record " +
                                  std::to_string(hosted.history.first().value)});
}

/// Only what is committed goes, once the checkpoint that says so is.
void ShardCore::trim(ShardId shard, ShardSink& out) {
  const auto& known = std::as_const(hosted_)[shard.value];
  const auto first = known.history.trimmable;
  if (first == LogIndex{} || !known.replica) return;
  if (std::min(known.replica->commit(), known.replica->durable()) < known.history.checkpoint)
    return;
  auto& hosted = hosted_[shard.value];
  hosted.history.trimmable = {};
  if (first <= hosted.replica->first()) return;  // it begins there already
  hosted.replica->trim(first);
  hosted.history.base = hosted.replica->base();
  ++counters_.trims;
  out.append({.shard = shard, .epoch = hosted.replica->promised(), .index = first, .trims = true});
}

void ShardCore::trim_histories(Instant now, ShardSink& out) {
  if (config_.history_bytes == 0 || now < next_trim_) return;
  next_trim_ = now + trim_interval;
  bool saves = false;
  std::size_t written = 0;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& hosted = std::as_const(hosted_)[i];
    if (hosted.history.untrimmable && hosted.replica && hosted.replica->serves())
      tell_untrimmable(ShardId{i},
                       "an entity has no MSGPACK_DEFINE for its state, or a type that this node "
                       "does not know",
                       out);
    if (!may_shorten(hosted)) continue;
    if (hosted.history.wants_checkpoint(config_.history_bytes) && written < checkpoints_at_once) {
      write_checkpoint(ShardId{i}, now, out);
      ++written;
    }
    saves = saves || hosted.history.unsaved > 0;
  }
  if (saves) save_for_trim(now, out);
}

/// One checkpoint at a time, and not while the shard moves, for which nothing may be under way.
bool ShardCore::may_shorten(const Hosted& hosted) {
  return hosted.replica && hosted.replica->accepts() && !hosted.history.untrimmable &&
         hosted.drain_until == never && hosted.replica->commit() >= hosted.history.checkpoint;
}

/// One line for all: a type without snapshots has entities in every shard.
void ShardCore::tell_untrimmable(ShardId shard, std::string_view why, ShardSink& out) {
  if (std::exchange(told_untrimmable_, true)) return;
  out.log({LogLevel::warning,
           "shard " + std::to_string(shard.value) +
               ", and others perhaps, keep all of their history: " + std::string(why)});
}

void ShardCore::write_checkpoint(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  const auto state = replication::encode_checkpoint(
      hosted.replica->last_epoch(), mutated("entity: the duplicate table is not in the checkpoint")
                                        ? replication::DuplicateTable{}
                                        : hosted.duplicates);
  const replication::RecordView record{.kind = RecordKind::checkpoint,
                                       .shard = shard,
                                       .epoch = hosted.replica->epoch(),
                                       .index = next(hosted.applied),
                                       .clock = tick_clock(hosted, now),
                                       .reply = state};
  Bytes bytes;
  hosted.chain = replication::append_record(bytes, record, hosted.chain);
  hosted.applied = record.index;
  hosted.history.note_checkpoint(record.index, bytes.size());
  ++counters_.checkpoints;
  replicate(shard, std::move(bytes), now, out);
}

/// Entities at rest come to memory for it, a few at a time; they go again when they are idle.
void ShardCore::save_for_trim(Instant now, ShardSink& out) {
  if (faults_.size() >= max_watched_faults) return;  // most of them cannot be read: not for ever
  make_room(now);
  std::size_t begun = replays_.size();
  std::vector<EntitySlot> due;  // what is saved may change what is looked at
  entities_.look_around(trim_hand_, trim_scan, [&](EntitySlot slot) {
    const auto& entity = entities_.at(slot);
    const auto& hosted = std::as_const(hosted_)[entity.shard.value];
    if (!hosted.history.needs_saving(entity) || !may_shorten(hosted) || resting(slot, now))
      return true;
    if (entity.phase == EntityPhase::passive) {
      if (entities_.active() + begun >= config_.max_live_entities) return true;
      if (begun >= saved_at_once) return false;
      activate(slot, out);
      ++begun;
    } else if (entity.phase == EntityPhase::active) {
      due.push_back(slot);
    }
    return due.size() < saved_at_once;
  });
  for (const auto slot : due) save_if_needed(slot, now, out);
}

void ShardCore::save_if_needed(EntitySlot slot, Instant now, ShardSink& out) {
  const auto& entity = entities_.at(slot);
  if (entity.type == nullptr || entity.phase != EntityPhase::active) return;
  auto& hosted = hosted_[entity.shard.value];
  if (!hosted.history.needs_saving(entity) || !may_shorten(hosted)) return;
  if (save(hosted, slot, now, out)) return;
  hosted.history.untrimmable = true;
  tell_untrimmable(entity.shard,
                   "the state of '" + entity.type->name + "/" + entity.id +
                       "' cannot be written, or exceeds 1 MiB",
                   out);
}

}  // namespace coterie::cluster
