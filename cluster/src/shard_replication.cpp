#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/replication/checkpoint.hpp"
#include "coterie/replication/copy_id.hpp"

namespace coterie::cluster {

namespace shard_log = replication::shard_log;

/// Carries out what a replica wants. Commands that may go on because of it go on at the end: what
/// they write comes behind what this input writes.
void ShardCore::take(ShardId shard, shard_log::Effects&& effects, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  for (auto& effect : effects) {
    if (const auto* send = std::get_if<shard_log::Send>(&effect)) {
      transmit(shard, send->message);
    } else if (auto* persist = std::get_if<shard_log::Persist>(&effect)) {
      write(shard, std::move(*persist), now, out);
    } else if (const auto* read = std::get_if<shard_log::ReadLog>(&effect)) {
      const auto token = next_read_++;
      log_readers_[token] = {shard, *read};
      out.read(token, shard, read->from, log_part_bytes);
    } else if (const auto* wanted = std::get_if<shard_log::Propose>(&effect)) {
      const auto& desired = wanted->desired;
      auto& known = current_->table.at(shard);
      if (known.epoch.value + 1 != desired.epoch.value) continue;  // a later one is on its way
      auto entry = desired.primary == self(shard) ? known
                                                  : known.led_by(desired.primary, desired.start,
                                                                 replication::Rule::handed_over);
      entry.epoch = desired.epoch;
      entry.in_sync = desired.in_sync;
      // What a copy was called before it was renewed is not waited for any more.
      std::erase_if(entry.replicas, [&](const auto& member) {
        const auto* const latest = replication::latest_of(entry.in_sync, member);
        return latest != nullptr && replication::is_later(latest->disk, member.disk);
      });
      out.propose({shard, known.epoch, std::move(entry)});
    } else if (const auto* done = std::get_if<shard_log::Committed>(&effect)) {
      committed(hosted, done->index, out);
    } else if (std::holds_alternative<shard_log::SteppedDown>(effect)) {
      hosted.drain_until = never;
      send_back(shard, hosted.held, out);
      send_back(shard, hosted.reads, out);
      step_down(shard,
                {.status = static_cast<std::uint8_t>(Errc::unavailable),
                 .shard = shard,
                 .retry_after_ms = 10,
                 .payload = view("the shard moved before the answer; outcome unknown, retry with "
                                 "the same command id")},
                out);
    } else if (std::holds_alternative<shard_log::ReadReady>(effect)) {
      reads_ready(hosted, out);
    }
  }
  trim(shard, out);
  follow_phase(shard, now, out);
  hand_off(shard, now, out);
}

void ShardCore::follow_phase(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (!hosted.replica) return;
  const bool leads = hosted.replica->leads();
  const auto phase = leads && hosted.drain_until != never ? ShardPhase::handing_over
                     : hosted.replica->serves()           ? ShardPhase::serving
                     : leads                              ? ShardPhase::barrier
                                                          : ShardPhase::backup;
  if (phase == hosted.phase) return;
  set_phase(shard, phase, "", out);
  if (phase == ShardPhase::serving) hosted.suspect = false;  // its log is the truth from here on
  if (phase == ShardPhase::serving) unpark(hosted.parked, now, out);
}

/// The record that was applied just now, which is the log's next.
void ShardCore::replicate(ShardId shard, Bytes&& record, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  shard_log::Effects effects;
  const auto index = hosted.replica->append(std::move(record), effects);
  COTERIE_ENSURE(index == hosted.applied);
  take(shard, std::move(effects), now, out);
}

void ShardCore::transmit(ShardId shard, const shard_log::Message& message) {
  const auto* const other = peer(message.to.node);
  if (other == nullptr) return;
  const auto lane = links_.lane_to(other->name, worker_of(shard, other->data_workers));
  if (links_.is_up(lane)) outbox_.add(lane, shard, message, links_);  // else said again
}

namespace {

/// Only whole records of this log reach it, each in its place.
bool is_sound(ShardId shard, const shard_log::Append& append) {
  auto index = append.previous;
  if (append.begins && append.previous != LogIndex{} && !append.entries.empty()) {
    const auto first = replication::read_record(append.entries.front().record);
    if (!first || first->kind != replication::RecordKind::checkpoint ||
        !replication::decode_checkpoint(first->reply))
      return false;
  }
  for (const auto& entry : append.entries) {
    index = next(index);
    const auto record = replication::read_record(entry.record);
    if (!record || record->shard != shard || record->index != index ||
        record->epoch != entry.epoch ||
        (record->kind == replication::RecordKind::new_epoch) != entry.barrier)
      return false;
  }
  return true;
}

}  // namespace

bool ShardCore::on_shard_log(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out) {
  shard_log::BatchReader batch(body);
  if (!batch.ok() || batch.from().node != links_.peer_of(lane)) return false;
  while (const auto* said = batch.next()) {
    if (said->shard.value >= sharding::shard_count) return false;
    const auto* append = std::get_if<shard_log::Append>(&said->message.body);
    if (append != nullptr && !is_sound(said->shard, *append)) return false;
    auto& hosted = hosted_[said->shard.value];
    if (append != nullptr && hosted.damaged) note_leader(said->shard, said->message);
    if (hosted.replica)  // else its sender says it again
      take(said->shard, hosted.replica->receive(said->message, now), now, out);
  }
  return batch.ok();
}

/// One request for each record; the batch ends with the last.
void ShardCore::write(ShardId shard, shard_log::Persist&& persist, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  looks_at_disk_ = true;
  const bool begins = persist.begins.has_value();
  const bool replaces = begins || persist.from <= hosted.end;
  if (begins) begin_anew(shard, *persist.begins, out);
  if (persist.entries.empty())
    return out.append({.shard = shard,
                       .epoch = persist.promised,
                       .index = next(hosted.end),
                       .promises = true,
                       .replaces = begins,
                       .begins = begins,
                       .batch = persist.batch});
  if (replaces) cancel_reading(shard);
  if (replaces && hosted.applied >= persist.from) forget(shard);
  auto index = persist.from;
  for (std::size_t i = 0; i < persist.entries.size(); ++i, index = next(index)) {
    auto& record = persist.entries[i].record;
    if (index == expected(hosted)) {
      const auto read = replication::read_record(record);
      const auto problem = read ? check_next(hosted, *read, record) : to_string(read.error());
      if (!problem.empty())
        return close_shard(shard, error(Errc::storage, problem), now + reopen_pause, now, out);
      apply(hosted, *read, record);
    }
    out.append({.shard = shard,
                .epoch = persist.promised,
                .index = index,
                .promises = i == 0,
                .replaces = i == 0 && replaces,
                .begins = i == 0 && begins,
                .batch = i + 1 == persist.entries.size() ? persist.batch : 0,
                .record = std::move(record)});
  }
  hosted.end = LogIndex{index.value - 1};
}

void ShardCore::committed(Hosted& hosted, LogIndex index, ShardSink& out) {
  while (!hosted.uncommitted.empty() && hosted.uncommitted.front().index <= index) {
    uncommitted_bytes_ -= hosted.uncommitted.front().bytes;
    hosted.uncommitted.pop_front();
    --uncommitted_;
  }
  while (!hosted.held.empty() && hosted.held.front().index <= index) {
    auto& held = hosted.held.front();
    held.answer.payload = view(held.payload);
    answer(held.to, held.answer, out);
    held_bytes_ -= held_cost(held);
    hosted.held.pop_front();
  }
}

/// Somebody else leads, or nobody: what waited for its commit has an unknown outcome, commands that
/// waited find their way anew, and states go: another one runs the entities.
void ShardCore::step_down(ShardId shard, const Answer& why, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  for (const auto& record : hosted.uncommitted) uncommitted_bytes_ -= record.bytes;
  uncommitted_ -= hosted.uncommitted.size();
  hosted.uncommitted.clear();
  hosted.waiting.clear();
  hosted.in_round = 0;
  answer_held(hosted.held, why, out);
  answer_held(hosted.reads, why, out);
  rehome_mailboxes(shard);
  const auto ours = [&](sharding::EntitySlot slot) { return entities_.at(slot).shard == shard; };
  std::erase_if(replays_, [&](const auto& replay) { return ours(replay.second.slot); });
  std::erase_if(faults_, [&](const auto& fault) { return ours(fault.first); });
  entities_.passivate_shard(shard);
}

/// Commands that wait for an entity's activation find their way anew, before those that came later.
void ShardCore::rehome_mailboxes(ShardId shard) {
  ParkedCommands first;
  std::erase_if(mailboxes_, [&](auto& box) {
    auto& entity = entities_.at(box.first);
    if (entity.shard != shard) return false;
    std::move(box.second.begin(), box.second.end(), std::back_inserter(first));
    entity.has_parked = false;
    return true;
  });
  auto& parked = hosted_[shard.value].parked;
  std::move(parked.begin(), parked.end(), std::back_inserter(first));
  parked = std::move(first);
}

}  // namespace coterie::cluster
