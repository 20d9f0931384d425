/// One journal record in its final form: every event of one command together with its reply, the
/// barrier that opens an epoch, an entity's snapshot, or a checkpoint. docs/JOURNAL.md specifies
/// the bytes; tests/replication/replication_test.cpp holds golden vectors. Source: placement
/// contract, "State", Replica. Thread-safety: values.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/result.hpp"

namespace coterie::replication {

inline constexpr std::uint8_t record_version = 1;
inline constexpr std::size_t record_header_bytes = 96;
inline constexpr std::size_t max_record_bytes =
    4 * 1024 * 1024;  ///< all events and the reply of one command
inline constexpr std::size_t max_events_per_command = 4096;

enum class RecordKind : std::uint8_t {
  events = 1,
  new_epoch = 2,   ///< the barrier; durable, it is also the promise (invariants 2 and 8)
  snapshot = 3,    ///< an entity's state after the event at `sequence`, in the place of the reply
  checkpoint = 4,  ///< a log may begin here: checkpoint.hpp's bytes in the place of the reply
};

struct EventView {
  std::uint8_t tag{};  ///< position in the entity's event list
  ByteView bytes{};
};

/// W3C trace context of the command.
struct TraceParent {
  std::array<std::uint8_t, 16> trace{};
  std::array<std::uint8_t, 8> span{};
  std::uint8_t flags{};
  friend bool operator==(const TraceParent&, const TraceParent&) = default;
};

/// Views into a record, or what to write. Offsets of the optional parts follow from `sections`.
struct RecordView {
  RecordKind kind = RecordKind::events;
  std::uint16_t schema{};  ///< version of the payload types, the user's
  EntityTypeId type{};
  ShardId shard{};
  Epoch epoch{};
  LogIndex index{};
  std::uint64_t chain{};  ///< hash of the log up to and including this record's body
  std::uint64_t clock{};  ///< hybrid logical clock: milliseconds << 16 | counter
  Sequence sequence{};    ///< of the entity's last event in this record
  LogIndex previous{};    ///< the entity's record before this one; 0 = none
  CommandId command{};
  std::optional<CommandId> causation{};
  std::optional<CommandId> correlation{};
  std::optional<TraceParent> trace{};
  ByteView entity{};
  std::vector<EventView> events{};
  ByteView reply{};
};

/// Appends the record; computes `chain` from `previous_chain`, the length and the CRC. Returns the
/// new chain.
std::uint64_t append_record(Bytes& out, const RecordView& record, std::uint64_t previous_chain);
/// Checks length, CRC and inner lengths. An error names what is wrong.
[[nodiscard]] Result<RecordView> read_record(ByteView bytes);
/// Whether its length and its CRC are right.
[[nodiscard]] bool is_sound(ByteView bytes);
/// What the header says, of at least record_header_bytes that need not be sound.
[[nodiscard]] ShardId shard_of_record(ByteView bytes);
[[nodiscard]] LogIndex index_of_record(ByteView bytes);
/// Where a replay may begin: `bytes`, a whole record, is a snapshot.
[[nodiscard]] bool is_snapshot(ByteView bytes);
/// The chain hash that `bytes`, a valid record, must carry after `previous_chain`.
[[nodiscard]] std::uint64_t chain_after(std::uint64_t previous_chain, ByteView bytes);

}  // namespace coterie::replication
