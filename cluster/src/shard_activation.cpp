/// How an entity gets its state: from its newest snapshot and the events behind it, or from all of
/// its events; how it gives it back; how snapshots are written. Source: placement contract,
/// invariant 14; docs/adr/0009-snapshots.md.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

using replication::RecordKind;
using sharding::Entity;
using sharding::EntityPhase;
using sharding::EntitySlot;

namespace {

/// Records looked at to find one entity that can give its state back.
constexpr std::size_t room_scan = 64;

}  // namespace

/// A replay finds every event.
bool ShardCore::may_passivate(const Entity& entity) const {
  const auto& replica = hosted_[entity.shard.value].replica;
  return replica && entity.head <= replica->durable();
}

/// At the bound those that are not in use just now make room, as a clock's hand meets them.
void ShardCore::make_room(Instant now) {
  if (entities_.active() < config_.max_live_entities) return;
  const auto before = entities_.active();
  entities_.passivate_idle(room_scan, now,
                           [&](const Entity& entity) { return may_passivate(entity); });
  counters_.passivations += before - entities_.active();
}

bool ShardCore::remembers() const {
  return std::any_of(types_.begin(), types_.end(), [](const auto& type) { return type.remember; });
}

/// Again and again: after a move, after a rest, whenever something has gone out of memory. Source:
/// Akka Cluster Sharding, "Remembering entities".
void ShardCore::remember(Instant now, ShardSink& out) {
  if (now < next_remember_ || !remembers()) return;
  next_remember_ = now + remember_interval;
  if (faults_.size() >= max_watched_faults) return;  // most of them cannot be read: not for ever
  // A slow disk is not given more; and what a command makes room for is not filled at once.
  std::size_t begun = replays_.size();
  const auto most = config_.max_live_entities - config_.max_live_entities / 16;
  entities_.look_around(remember_hand_, remember_scan, [&](EntitySlot slot) {
    const auto& entity = entities_.at(slot);
    const auto& replica = std::as_const(hosted_)[entity.shard.value].replica;
    if (begun >= remembered_at_once || entities_.active() + begun >= most) return false;
    if (!entity.type->remember || entity.phase != EntityPhase::passive ||
        entity.head == LogIndex{} || !replica || !replica->serves() || resting(slot, now))
      return true;
    activate(slot, out);
    ++begun;
    ++counters_.remembered;
    return true;
  });
}

void ShardCore::activate(EntitySlot slot, ShardSink& out) {
  auto& entity = entities_.at(slot);
  auto& hosted = hosted_[entity.shard.value];
  entity.phase = EntityPhase::activating;
  if (entity.head > hosted.replica->durable())
    return hosted.waiting.push_back(slot);  // its newest events are still on their way
  begin_replay(slot, false, out);
}

void ShardCore::begin_replay(EntitySlot slot, bool whole, ShardSink& out) {
  auto& entity = entities_.at(slot);
  if (entity.state == nullptr) entity.state = entity.type->create();
  const auto token = next_read_++;
  replays_[token] = {slot, whole};
  out.replay(token, entity.shard, entity.head, whole);
}

/// What is wrong, or nothing. A snapshot that this version of the entity cannot read is none.
std::string ShardCore::fold(Entity& entity, const replication::RecordView& record,
                            bool& unreadable_snapshot) {
  const auto& type = *entity.type;
  if (text(record.entity) != entity.id) return "the log mixes entities";
  if (record.kind == RecordKind::snapshot) {
    unreadable_snapshot =
        type.load == nullptr || !type.load(entity.state, record.schema, record.reply);
    return {};
  }
  if (record.schema > type.schema)
    return "an event of schema " + std::to_string(record.schema) + ", this node has " +
           std::to_string(type.schema) + ": it was written by newer code";
  for (const auto& event : record.events) {
    if (record.schema == type.schema) {
      if (!type.evolve(entity.state, event.tag, event.bytes))
        return "an event could not be applied";
      continue;
    }
    auto tag = event.tag;
    auto bytes = to_bytes(event.bytes);
    for (auto schema = record.schema; schema < type.schema; ++schema)
      if (type.migrate == nullptr || !type.migrate(schema, tag, bytes))
        return "an event of schema " + std::to_string(schema) + " could not be migrated";
    if (!type.evolve(entity.state, tag, bytes)) return "a migrated event could not be applied";
  }
  return {};
}

/// What would come before the oldest record that was found.
bool ShardCore::misses_trimmed(ShardId shard, const std::vector<Bytes>& records) const {
  if (records.empty()) return false;
  const auto oldest = replication::read_record(records.front());
  return oldest && oldest->previous != LogIndex{} &&
         oldest->previous < hosted_[shard.value].history.first();
}

void ShardCore::replayed(const replication::Replayed& part, Instant now, ShardSink& out) {
  const auto found = replays_.find(part.token);
  if (found == replays_.end()) return;
  const auto [slot, whole] = found->second;
  replays_.erase(found);
  auto& entity = entities_.at(slot);
  if (entity.phase != EntityPhase::activating) return;
  std::string problem = part.error ? part.error->detail : "";
  if (part.error && whole && misses_trimmed(entity.shard, part.records))
    problem =
        "its snapshot is of another schema, and the events before it were trimmed: the entity "
        "needs a load_old";
  Sequence reached{};
  bool unreadable = false;
  for (const auto& bytes : part.records) {
    if (!problem.empty() || unreadable) break;
    const auto record = replication::read_record(bytes);
    if (!record && has_company(current_->table.at(entity.shard)))
      return close_shard(entity.shard, record.error(), now + reopen_pause, now, out);
    if (!record) {
      problem = record.error().detail;
    } else if (!whole || record->kind == RecordKind::events) {
      problem = fold(entity, *record, unreadable);
      reached = record->sequence;
    }
  }
  if (problem.empty() && unreadable) {
    entity.type->destroy(std::exchange(entity.state, nullptr));
    return begin_replay(slot, true, out);
  }
  if (problem.empty() && reached != entity.sequence) problem = "the log ends at another sequence";
  auto waiting = std::move(mailboxes_[slot]);
  mailboxes_.erase(slot);
  entity.has_parked = false;
  if (problem.empty()) {
    entity.phase = EntityPhase::active;
    entity.last_used = now;
    entities_.activated();
    ++counters_.activations;
  } else {
    fault(slot, "replay: " + problem, now, out);
  }
  unpark(waiting, now, out);
  if (config_.history_bytes > 0) save_if_needed(slot, now, out);  // before it rests again
}

void ShardCore::save_if_due(Hosted& hosted, EntitySlot slot, Instant now, ShardSink& out) {
  const auto& entity = entities_.at(slot);
  const auto every = entity.type->snapshot_every;
  if (every > 0 && entity.unsaved >= every && entity.phase == EntityPhase::active &&
      hosted.replica && hosted.replica->accepts())
    (void)save(hosted, slot, now, out);
}

/// Behind the event that made it due, as a record of its own: it is replicated like one, and needs
/// nobody's answer. False: its state cannot be written.
bool ShardCore::save(Hosted& hosted, EntitySlot slot, Instant now, ShardSink& out) {
  auto& entity = entities_.at(slot);
  const auto& type = *entity.type;
  entity.unsaved = 0;  // also when it cannot be saved: it is tried again after as many events
  Bytes state;
  if (type.save == nullptr || !type.save(entity.state, state) ||
      state.size() > max_snapshot_bytes) {
    ++counters_.snapshots_skipped;
    return false;
  }
  if (mutated("entity: a snapshot that is not the fold")) {
    auto* const fresh = type.create();
    state.clear();
    (void)type.save(fresh, state);
    type.destroy(fresh);
  }
  replication::RecordView record{.kind = RecordKind::snapshot,
                                 .schema = type.schema,
                                 .type = type.id,
                                 .shard = entity.shard,
                                 .epoch = hosted.replica->epoch(),
                                 .index = next(hosted.applied),
                                 .clock = tick_clock(hosted, now),
                                 .sequence = entity.sequence,
                                 .previous = entity.head,
                                 .entity = view(entity.id),
                                 .reply = state};
  Bytes bytes;
  hosted.chain = replication::append_record(bytes, record, hosted.chain);
  hosted.applied = record.index;
  hosted.history.note(entity, record, bytes.size());
  entity.head = record.index;
  ++counters_.snapshots;
  replicate(entity.shard, std::move(bytes), now, out);
  return true;
}

}  // namespace coterie::cluster
