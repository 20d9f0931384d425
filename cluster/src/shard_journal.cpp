#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

void ShardCore::journal(replication::JournalEvent event, Instant now, ShardSink& out) {
  if (const auto* done = std::get_if<replication::Appended>(&event))
    return appended(*done, now, out);
  if (const auto* failure = std::get_if<replication::AppendFailed>(&event))
    return append_failed(*failure, now, out);
  if (const auto* part = std::get_if<replication::Replayed>(&event))
    return replayed(*part, now, out);
  if (const auto* part = std::get_if<replication::LogRead>(&event))
    return log_read(*part, now, out);
  if (const auto* end = std::get_if<replication::RecoveryFinished>(&event))
    return finish_recovery(*end, now, out);
  const auto& part = std::get<replication::Recovered>(event);
  for (std::size_t i = 0; i < part.records.size() && i < part.of.size(); ++i)
    recovered(part.of[i], part.records[i], part.token, now, out);
}

void ShardCore::appended(const replication::Appended& done, Instant now, ShardSink& out) {
  if (renewed(done, now)) return;
  auto& hosted = hosted_[done.shard.value];
  if (!hosted.replica || done.batch < hosted.next_batch) return;  // of an earlier opening
  take(done.shard, hosted.replica->persisted(done.batch, now), now, out);
  for (const auto slot : std::exchange(hosted.waiting, {})) activate(slot, out);
  catch_up(done.shard, out);
}

void ShardCore::append_failed(const replication::AppendFailed& failure, Instant now,
                              ShardSink& out) {
  ++counters_.journal_failures;
  auto& hosted = hosted_[failure.shard.value];
  const bool renewed = std::exchange(hosted.renewing, 0) != 0;
  if (renewed && !failure.fatal) hosted.claim_at = now + reopen_pause;  // the cut, once more
  if (!hosted.replica && !failure.fatal) return;
  const auto again = failure.fatal ? never : now + reopen_pause;
  if (hosted.replica) close_shard(failure.shard, failure.error, again, now, out);
  if (failure.fatal) hosted.delay.fail();
  else hosted.delay.stall();
  // The other shards of this disk, which nobody writes now, have to go too.
  set_phase(failure.shard, ShardPhase::failed, failure.error.detail, out);
}

void ShardCore::hold(std::deque<Held>& queue, LogIndex index, const ReplyTo& to,
                     const Answer& value, ShardSink& out) {
  if (!to.wanted) return;
  if (held_bytes_ > max_held_bytes)
    return ++counters_.busy, answer(to,
                                    {.status = static_cast<std::uint8_t>(Errc::busy),
                                     .shard = value.shard,
                                     .retry_after_ms = 100,
                                     .payload = view("too many answers wait for their commit; "
                                                     "outcome unknown, retry with the same command "
                                                     "id")},
                                    out);
  if (!queue.empty()) index = std::max(index, queue.back().index);
  auto& held = queue.emplace_back(Held{index, to, value, std::string(text(value.payload))});
  held.answer.payload = {};
  held_bytes_ += held_cost(held);
}

/// An answer without an event of its own (invariant 9): another primary may have taken over without
/// our knowledge, so a confirmation round comes first. One serves all that wait.
void ShardCore::answer_read(Hosted& hosted, LogIndex index, const ReplyTo& to, const Answer& value,
                            ShardSink& out) {
  if (to.lane != local_lane) ++counters_.delivered;
  if (hosted.reads.size() == hosted.in_round && hosted.in_round == 0)
    rounds_wanted_.push_back(value.shard);
  hold(hosted.reads, index, to, value, out);
}

void ShardCore::start_rounds(Instant now, ShardSink& out) {
  for (const auto shard : std::exchange(rounds_wanted_, {})) {
    auto& hosted = hosted_[shard.value];
    if (!hosted.replica || hosted.reads.empty() || hosted.in_round > 0) continue;
    hosted.in_round = hosted.reads.size();
    auto effects = hosted.replica->read(next_read_++, now);
    const bool failed = std::any_of(effects.begin(), effects.end(), [](const auto& effect) {
      return std::holds_alternative<replication::shard_log::ReadFailed>(effect);
    });
    if (failed)
      step_down(shard,
                {.status = static_cast<std::uint8_t>(Errc::unavailable),
                 .shard = shard,
                 .retry_after_ms = 100,
                 .payload = view("the shard is led by nobody for a moment; try again")},
                out);
    take(shard, std::move(effects), now, out);
  }
}

/// The round is over: these answers wait for their commit alone.
void ShardCore::reads_ready(Hosted& hosted, ShardSink& out) {
  for (; hosted.in_round > 0; --hosted.in_round) {
    auto held = std::move(hosted.reads.front());
    hosted.reads.pop_front();
    held_bytes_ -= held_cost(held);
    held.answer.payload = view(held.payload);
    if (held.index <= hosted.replica->commit() ||
        mutated("entity: a read is answered before what it saw is committed"))
      answer(held.to, held.answer, out);
    else hold(hosted.held, held.index, held.to, held.answer, out);
  }
  if (!hosted.reads.empty()) rounds_wanted_.push_back(hosted.reads.front().answer.shard);
}

void ShardCore::answer_held(std::deque<Held>& queue, const Answer& why, ShardSink& out) {
  for (const auto& held : std::exchange(queue, {})) {
    held_bytes_ -= held_cost(held);
    answer(held.to, why, out);
  }
}

/// Of those that were asked on other nodes, to be asked again of whoever leads now.
void ShardCore::send_back(ShardId shard, std::deque<Held>& queue, ShardSink& out) {
  std::erase_if(queue, [&](const Held& held) {
    if (held.to.lane == local_lane) return false;
    held_bytes_ -= held_cost(held);
    answer_moved(held.to, shard, out);
    return true;
  });
}

}  // namespace coterie::cluster
