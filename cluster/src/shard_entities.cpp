#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

using sharding::EntityPhase;
using sharding::EntitySlot;
using sharding::Outcome;

void ShardCore::deliver(Hosted& hosted, const Command& command, Instant now, ShardSink& out) {
  if (command.deadline <= now) {
    ++counters_.expired;
    return fail(command, Errc::expired, "the deadline passed before the command was decided", {},
                out);
  }
  const auto type = std::find_if(types_.begin(), types_.end(),
                                 [&](const auto& t) { return t.id == command.type; });
  if (type == types_.end())
    return fail(command, Errc::unknown_entity_type, "the owner did not register this entity type",
                {}, out);
  if (const auto* known = command.id.is_set() ? hosted.duplicates.find(command.id) : nullptr) {
    ++counters_.duplicates;
    if (known->reply_dropped)
      return answer_read(
          hosted, known->index, command.to,
          {.status = static_cast<std::uint8_t>(Errc::command_expired),
           .epoch = known->epoch,
           .shard = sharding::shard_of(command.hash),
           .sequence = known->sequence,
           .payload = view("the command had its effect; its reply is no longer remembered")},
          out);
    return answer_read(hosted, known->index, command.to,
                       {.epoch = known->epoch,
                        .shard = sharding::shard_of(command.hash),
                        .sequence = known->sequence,
                        .payload = view(known->reply)},
                       out);
  }
  if (command.known_only)
    return fail(command, Errc::unavailable, "the command had no effect here so far", {}, out);
  if (const auto ms = command.id.time_ms(); ms != 0) {
    if (hosted.duplicates.older_than_window(ms)) {
      ++counters_.command_expired;
      return fail(command, Errc::command_expired,
                  "the command id is older than what the shard remembers; not executed now, ask "
                  "the entity whether it was before",
                  {}, out);
    }
    if (ms > wall_ms(now) + max_clock_lead / 1ms)
      return fail(command, Errc::unavailable,
                  "the time in the command id is more than 60 s ahead of the owner's clock; set "
                  "the clocks",
                  1s, out);
  }
  const auto slot = entities_.obtain(command.hash, *type, command.entity);
  if (const auto rest = resting(slot, now)) {
    ++counters_.unavailable;
    return fail(command, Errc::unavailable, "the entity failed and rests before its restart", *rest,
                out);
  }
  auto& entity = entities_.at(slot);
  if (entity.phase == EntityPhase::active) return decide(hosted, slot, command, now, out);
  if (entity.phase == EntityPhase::passive) make_room(now);
  if (entity.phase == EntityPhase::passive && entity.head == LogIndex{}) {
    entity.state = type->create();
    entity.phase = EntityPhase::active;
    entities_.activated();
    ++counters_.activations;
    return decide(hosted, slot, command, now, out);
  }
  if (!park(mailboxes_[slot], command))
    return fail(command, Errc::busy, "the entity's mailbox is full", 100ms, out);
  entity.has_parked = true;
  if (entity.phase == EntityPhase::passive) activate(slot, out);
}

void ShardCore::decide(Hosted& hosted, EntitySlot slot, const Command& command, Instant now,
                       ShardSink& out) {
  auto& entity = entities_.at(slot);
  entity.last_used = now;
  outcome_.clear();
  entity.type->handle(entity.state, command.tag, command.payload, outcome_);
  const auto shard = entity.shard;
  const auto status = [&](Errc code) {
    answer_read(hosted, entity.head, command.to,
                {.status = static_cast<std::uint8_t>(code),
                 .epoch = hosted.replica->epoch(),
                 .shard = shard,
                 .sequence = entity.sequence,
                 .payload = view(outcome_.detail)},
                out);
  };
  if (outcome_.kind == Outcome::Kind::replied && outcome_.reply.size() > wire::max_payload_bytes) {
    outcome_.detail = "the reply exceeds 1 MiB";
    return status(Errc::message_too_large);
  }
  switch (outcome_.kind) {
    case Outcome::Kind::replied:
      return answer_read(hosted, entity.head, command.to,
                         {.epoch = hosted.replica->epoch(),
                          .shard = shard,
                          .sequence = entity.sequence,
                          .payload = outcome_.reply},
                         out);
    case Outcome::Kind::refused: return ++counters_.refusals, status(Errc::refused);
    case Outcome::Kind::malformed: return status(Errc::malformed);
    case Outcome::Kind::persisted: return persist(hosted, slot, command, now, out);
    case Outcome::Kind::faulted: break;
  }
  const auto reason = outcome_.detail;
  status(Errc::fault);
  fault(slot, reason, now, out);
}

void ShardCore::persist(Hosted& hosted, EntitySlot slot, const Command& command, Instant now,
                        ShardSink& out) {
  auto& entity = entities_.at(slot);
  const auto shard = entity.shard;
  std::size_t size = replication::record_header_bytes + entity.id.size() + outcome_.reply.size();
  for (const auto& event : outcome_.events) size += event.bytes.size() + 5;
  const bool full = !hosted.replica->accepts() ||
                    uncommitted_ >= replication::max_unsynced_appends ||
                    (uncommitted_ > 0 && uncommitted_bytes_ + size > max_uncommitted_bytes);
  const bool large = size > replication::max_record_bytes ||
                     outcome_.reply.size() > wire::max_payload_bytes ||
                     outcome_.events.size() > replication::max_events_per_command;
  if (full || large) {
    counters_.busy += full ? 1 : 0;
    fail(command, full ? Errc::busy : Errc::message_too_large,
         full ? "too many events wait for their commit"
              : "the events of one command exceed 4 MiB or 4096",
         full ? Duration{100ms} : Duration{}, out);
    return entities_.passivate(
        slot);  // it has evolved by events that are not recorded: back to its log
  }
  replication::RecordView record{
      .schema = entity.type->schema,
      .type = entity.type->id,
      .shard = shard,
      .epoch = hosted.replica->epoch(),
      .index = next(hosted.applied),
      .clock = tick_clock(hosted, now),
      .sequence = Sequence{entity.sequence.value + outcome_.events.size()},
      .previous = entity.head,
      .command = command.id,
      .entity = view(entity.id),
      .reply = outcome_.reply};
  event_views_.clear();
  for (const auto& event : outcome_.events) event_views_.push_back({event.tag, event.bytes});
  record.events.swap(event_views_);
  Bytes bytes;
  bytes.reserve(size);
  hosted.chain = replication::append_record(bytes, record, hosted.chain);
  record.events.swap(event_views_);
  hosted.applied = record.index;
  hosted.history.note(entity, record, bytes.size());
  hosted.uncommitted.push_back({record.index, size});
  ++uncommitted_;
  uncommitted_bytes_ += size;
  entity.head = record.index;
  entity.sequence = record.sequence;
  entity.unsaved += static_cast<std::uint32_t>(outcome_.events.size());
  counters_.events += outcome_.events.size();
  if (command.id.is_set())
    hosted.duplicates.remember({command.id, record.index, record.sequence, record.epoch,
                                std::string(text(outcome_.reply))});
  if (is_remote(command)) ++counters_.delivered;
  const Answer reply{.epoch = record.epoch,
                     .shard = shard,
                     .sequence = record.sequence,
                     .payload = outcome_.reply};
  if (mutated("entity: replies before its events are committed")) answer(command.to, reply, out);
  else hold(hosted.held, record.index, command.to, reply, out);
  replicate(shard, std::move(bytes), now, out);
  save_if_due(hosted, slot, now, out);
}

/// One for one: this entity goes back to its log after a pause, the others do not notice.
void ShardCore::fault(EntitySlot slot, const std::string& reason, Instant now, ShardSink& out) {
  auto& entity = entities_.at(slot);
  ++counters_.faults;
  if (faults_.size() >= max_watched_faults && !faults_.contains(slot)) {
    const auto quietest = std::min_element(
        faults_.begin(), faults_.end(),
        [](const auto& a, const auto& b) { return a.second.restart_at < b.second.restart_at; });
    faults_.erase(quietest);
  }
  auto& watch =
      faults_
          .try_emplace(slot, Faults{supervision::RestartIntensity(config_.entity_intensity),
                                    supervision::Backoff(config_.entity_backoff), now})
          .first->second;
  Random jitter(entity.hash ^ counters_.faults);
  const bool allowed = watch.intensity.allow(now);
  watch.restart_at = now + (allowed ? watch.backoff.next(jitter) : config_.entity_cool_down);
  counters_.restarts += allowed ? 1 : 0;
  out.log(
      {allowed ? LogLevel::warning : LogLevel::error,
       "entity '" + entity.type->name + "/" + entity.id + "' failed: " + reason +
           (allowed ? "; it restarts from its log" : "; restart intensity exceeded, it rests")});
  const bool keep = entity.head == LogIndex{};
  if (keep) entity.has_parked = true;  // keeps the record while its restarts are watched
  entities_.passivate(slot);
  if (keep) entity.has_parked = false;
}

std::optional<Duration> ShardCore::resting(EntitySlot slot, Instant now) const {
  const auto found = faults_.find(slot);
  if (found == faults_.end() || found->second.restart_at <= now) return std::nullopt;
  return found->second.restart_at - now;
}

}  // namespace coterie::cluster
