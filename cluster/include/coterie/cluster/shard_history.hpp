/// How much of a shard's log a copy needs. A checkpoint record holds what the records before it say
/// of commands; once every entity has a snapshot, or began, behind it, the log from there on makes
/// sense without what came before. The next checkpoint is written only then, so that whoever reads
/// it may let go of what comes before the last one. Each copy decides by its own log. Source:
/// placement contract, invariant 14; docs/adr/0013-trimming.md. Thread-safety: a value.
#pragma once

#include <algorithm>

#include "coterie/replication/record.hpp"
#include "coterie/replication/shard_log/types.hpp"
#include "coterie/sharding/entity_store.hpp"

namespace coterie::cluster {

/// Checkpoints are told apart by this many numbers, in an entity's seven bits.
inline constexpr std::uint8_t checkpoint_numbers = 128;

struct ShardHistory {
  replication::shard_log::Base base{};  ///< of the log: it was trimmed up to here
  LogIndex checkpoint{};                ///< the newest, as far as the log was read
  LogIndex trimmable{};       ///< what comes before may go, once `checkpoint` is committed
  std::uint64_t bytes{};      ///< of the events behind it
  std::uint64_t rewritten{};  ///< of it and the snapshots that it makes necessary
  std::uint32_t entities{};   ///< that have records
  std::uint32_t unsaved{};    ///< of those, that need records before `checkpoint`
  std::uint8_t number{};      ///< of `checkpoint`
  bool untrimmable{};         ///< it has records that no snapshot can replace: nothing is trimmed

  /// Where a log that is read begins.
  [[nodiscard]] LogIndex first() const { return next(base.last); }
  /// Before the entity learns of its new record.
  void note(sharding::Entity& entity, const replication::RecordView& record, std::size_t size) {
    const bool is_snapshot = record.kind == replication::RecordKind::snapshot;
    if (!is_snapshot) bytes += size;
    else if (entity.saved_in != number) rewritten += size;
    const bool is_new = entity.head == LogIndex{};
    const bool saves = is_snapshot || record.previous == LogIndex{};
    if (is_new) ++entities, ++unsaved;
    if (entity.type->save == nullptr) untrimmable = true;
    if (saves && (is_new || entity.saved_in != number)) --unsaved;
    if (saves) entity.saved_in = number;
    else if (is_new) entity.saved_in = earlier();
  }
  void note_checkpoint(LogIndex index, std::size_t size) {
    if (unsaved == 0 && !untrimmable && checkpoint != LogIndex{}) trimmable = checkpoint;
    checkpoint = index;
    rewritten = size;
    bytes = 0;
    unsaved = entities;
    number = static_cast<std::uint8_t>((number + 1) % checkpoint_numbers);
  }
  /// At least `most` bytes of events, and no fewer than what was written again for the last one.
  [[nodiscard]] bool wants_checkpoint(std::uint64_t most) const {
    return !untrimmable && unsaved == 0 && bytes >= std::max(most, rewritten);
  }
  [[nodiscard]] bool needs_saving(const sharding::Entity& entity) const {
    return unsaved > 0 && entity.head != LogIndex{} && entity.saved_in != number;
  }

 private:
  [[nodiscard]] std::uint8_t earlier() const {
    return static_cast<std::uint8_t>((number + checkpoint_numbers - 1) % checkpoint_numbers);
  }
};

}  // namespace coterie::cluster
