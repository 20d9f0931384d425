#include <algorithm>

#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

void ShardCore::journal(replication::JournalEvent event, Instant now, ShardSink& out) {
  if (const auto* done = std::get_if<replication::Appended>(&event))
    return appended(*done, now, out);
  if (const auto* failure = std::get_if<replication::AppendFailed>(&event))
    return append_failed(*failure, now, out);
  if (const auto* part = std::get_if<replication::Replayed>(&event))
    return replayed(*part, now, out);
  if (const auto* end = std::get_if<replication::RecoveryFinished>(&event))
    return finish_recovery(*end, now, out);
  const auto& part = std::get<replication::Recovered>(event);
  for (const auto& record : part.records) recovered(record, part.token, now, out);
}

void ShardCore::appended(const replication::Appended& done, Instant now, ShardSink& out) {
  auto& hosted = hosted_[done.shard.value];
  if (done.epoch != hosted.epoch || hosted.phase == ShardPhase::idle)
    return settle(done.shard, done.epoch, done.index, out);
  if (done.index <= hosted.durable || done.index > hosted.last) return;
  hosted.durable = done.index;
  while (!hosted.unsynced.empty() && hosted.unsynced.front().index <= done.index) {
    unsynced_bytes_ -= hosted.unsynced.front().bytes;
    hosted.unsynced.pop_front();
    --unsynced_;
  }
  if (hosted.phase == ShardPhase::barrier) {
    set_phase(done.shard, ShardPhase::serving, "", out);
    unpark(hosted.parked, now, out);
  }
  while (!hosted.held.empty() && hosted.held.front().index <= done.index) {
    auto& held = hosted.held.front();
    held.answer.payload = held.payload;
    answer(held.to, held.answer, out);
    held_bytes_ -= held_cost(held);
    hosted.held.pop_front();
  }
  for (const auto slot : std::exchange(hosted.waiting, {})) activate(slot, out);
}

void ShardCore::append_failed(const replication::AppendFailed& failure, Instant now,
                              ShardSink& out) {
  auto& hosted = hosted_[failure.shard.value];
  ++counters_.journal_failures;
  if (failure.epoch != hosted.epoch || hosted.phase == ShardPhase::idle)
    return settle(failure.shard, failure.epoch, hosted.owed, out);  // it says nothing after that
  const bool was_barrier = hosted.phase == ShardPhase::barrier;
  roll_back(failure.shard, failure.error, out);
  if (failure.fatal) {
    out.log({LogLevel::error, "journal failed for good: " + failure.error.detail +
                                  "; restart this node on a sound disk"});
    return fail_shard(failure.shard, failure.error.detail, now, out);
  }
  out.reset(failure.shard, next(hosted.last));
  for (const auto slot : std::exchange(hosted.waiting, {})) activate(slot, out);
  if (was_barrier) hosted.retry_barrier_at = now + 500ms;
}

/// Nothing after the durable end happened: states go, heads and sequences return, the askers hear
/// why.
void ShardCore::roll_back(ShardId shard, const Error& error, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  while (!hosted.unsynced.empty()) {
    const auto& record = hosted.unsynced.back();
    if (record.slot != FlatIndex::none) {
      auto& entity = entities_.at(record.slot);
      entity.head = record.previous_head;
      entity.sequence = record.previous_sequence;
      if (entity.phase == sharding::EntityPhase::active) entities_.passivate(record.slot);
    }
    hosted.chain = record.previous_chain;
    unsynced_bytes_ -= record.bytes;
    hosted.unsynced.pop_back();
    --unsynced_;
  }
  hosted.duplicates.forget_from(next(hosted.durable));
  hosted.last = hosted.durable;
  for (auto& held : std::exchange(hosted.held, {})) {
    Answer failed{
        .status = static_cast<std::uint8_t>(Errc::storage), .shard = shard, .retry_after_ms = 500};
    failed.payload = view(error.detail);
    held_bytes_ -= held_cost(held);
    answer(held.to, failed, out);
  }
}

void ShardCore::hold(Hosted& hosted, LogIndex index, const ReplyTo& to, const Answer& value,
                     ShardSink& out) {
  if (!to.wanted) return;
  if (index <= hosted.durable) return answer(to, value, out);
  if (held_bytes_ > max_held_bytes && index != hosted.last)
    return ++counters_.busy, answer(to,
                                    {.status = static_cast<std::uint8_t>(Errc::busy),
                                     .shard = value.shard,
                                     .retry_after_ms = 100,
                                     .payload = view("too many answers wait for the disk")},
                                    out);
  if (!hosted.held.empty())
    index = std::max(index, hosted.held.back().index);  // one order for all answers of a shard
  auto& held = hosted.held.emplace_back(Held{index, to, value, to_bytes(value.payload)});
  held.answer.payload = {};
  held_bytes_ += held_cost(held);
}

}  // namespace coterie::cluster
