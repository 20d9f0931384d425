#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

using replication::RecordKind;

/// What is wrong with it as the record behind what was applied, or nothing. `bytes` are the
/// record's.
std::string ShardCore::check_next(const Hosted& hosted, const replication::RecordView& record,
                                  ByteView bytes) {
  const bool begins = hosted.applied == LogIndex{} && record.index > LogIndex{1} &&
                      record.kind == RecordKind::checkpoint;
  if (begins || (record.index == next(hosted.applied) &&
                 record.chain == replication::chain_after(hosted.chain, bytes)))
    return {};
  return "the log of shard " + std::to_string(record.shard.value) + " breaks after record " +
         std::to_string(hosted.applied.value);
}

/// The record that comes next.
LogIndex ShardCore::expected(const Hosted& hosted) {
  return hosted.applied == LogIndex{} ? hosted.history.first() : next(hosted.applied);
}

/// Every copy knows where each entity's log ends and which commands had their effect.
void ShardCore::apply(Hosted& hosted, const replication::RecordView& record, ByteView bytes) {
  if (record.kind == RecordKind::checkpoint) apply_checkpoint(hosted, record, bytes);
  hosted.applied = record.index;
  hosted.chain = record.chain;
  hosted.clock = std::max(hosted.clock, record.clock);
  if (record.kind == RecordKind::new_epoch || record.kind == RecordKind::checkpoint) return;
  const auto type = std::find_if(types_.begin(), types_.end(),
                                 [&](const auto& t) { return t.id == record.type; });
  if (type == types_.end()) {  // its commands are answered with unknown_entity_type
    hosted.history.untrimmable = true;
    return;
  }
  const auto id = text(record.entity);
  auto& entity = entities_.at(entities_.obtain(sharding::entity_hash(id), *type, id));
  hosted.history.note(entity, record, bytes.size());
  entity.head = record.index;
  entity.sequence = record.sequence;
  entity.unsaved = record.kind == RecordKind::snapshot
                       ? 0
                       : entity.unsaved + static_cast<std::uint32_t>(record.events.size());
  if (record.command.is_set() && !mutated("entity: the duplicate table is not rebuilt"))
    hosted.duplicates.remember({record.command, record.index, record.sequence, record.epoch,
                                std::string(text(record.reply))});
}

/// A part of the log that was asked for before a cut may bring what the cut took away.
void ShardCore::cancel_reading(ShardId shard) {
  hosted_[shard.value].catching_up = false;
  std::erase_if(log_readers_, [&](const auto& reader) {
    return reader.second.shard == shard && !reader.second.for_peer;
  });
}

/// The log is cut below what was applied: it is read again once the disk has what comes instead.
void ShardCore::forget(ShardId shard) {
  auto& hosted = hosted_[shard.value];
  entities_.drop_shard(shard);
  hosted.duplicates = {};
  hosted.starts.clear();
  hosted.history = {.base = hosted.history.base};
  hosted.applied = {};
  hosted.chain = hosted.clock = 0;
}

void ShardCore::catch_up(ShardId shard, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (hosted.catching_up || !hosted.replica || hosted.applied >= hosted.replica->durable()) return;
  hosted.catching_up = true;
  const auto token = next_read_++;
  log_readers_[token] = {shard, {}, hosted.replica->durable()};
  out.read(token, shard, expected(hosted), log_part_bytes);
}

void ShardCore::log_read(const replication::LogRead& part, Instant now, ShardSink& out) {
  const auto found = log_readers_.find(part.token);
  if (found == log_readers_.end()) return;
  const auto reader = std::move(found->second);
  log_readers_.erase(found);
  auto& hosted = hosted_[reader.shard.value];
  if (!reader.for_peer) hosted.catching_up = false;
  if (!hosted.replica) return;
  // Read again from its begin, which shows what is wrong with it.
  const auto again = now + reopen_pause;
  if (part.error) return close_shard(reader.shard, *part.error, again, now, out);
  std::vector<replication::shard_log::Entry> entries;
  for (const auto& bytes : part.records) {
    const auto record = replication::read_record(bytes);
    if (!record)  // never served, and never sent to anybody
      return close_shard(reader.shard, record.error(), again, now, out);
    if (reader.for_peer)
      entries.push_back({record->epoch, record->kind == RecordKind::new_epoch, bytes});
    else if (record->index == expected(hosted) && record->index <= reader.until) {
      if (const auto problem = check_next(hosted, *record, bytes); !problem.empty())
        return close_shard(reader.shard, error(Errc::storage, problem), again, now, out);
      apply(hosted, *record, bytes);
    }
  }
  if (reader.for_peer)
    return take(reader.shard, hosted.replica->log_read(*reader.for_peer, std::move(entries)), now,
                out);
  catch_up(reader.shard, out);
  hand_in(reader.shard, now, out);
}

}  // namespace coterie::cluster
