/// The Journal seam: what a shard's log asks of a disk. Two worlds implement it: LMDB (storage/)
/// and the simulator's disk (sim/); tests/conformance/journal_test.cpp is the suite that
/// both must pass. Requests return at once; completions are polled, in the order in which the disk
/// finished them.
///
/// Contract: appends become durable in submission order per journal; `Appended` is reported only
/// after the bytes would survive a power cut; after an append failed, every later append of that
/// shard fails until `reset` acknowledges it; an epoch below the shard's promise is refused.
/// Source: placement contract, "State" and invariants 2 and 10. Thread-safety: each implementation
/// is called from one thread, its worker.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/error.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::replication {

struct AppendRequest {
  ShardId shard{};
  Epoch epoch{};
  LogIndex index{};
  bool barrier = false;  ///< a NewEpoch record: raises the promise to `epoch`
  Bytes record{};
};

struct Appended {
  ShardId shard{};
  Epoch epoch{};  ///< under which it was asked for: a core that leads another one takes no notice
  LogIndex index{};  ///< everything up to here is durable
  friend bool operator==(const Appended&, const Appended&) = default;
};
struct AppendFailed {
  ShardId shard{};
  Epoch epoch{};
  LogIndex index{};  ///< nothing from here on is durable
  Error error{};
  bool fatal = false;  ///< the stripe is dead for this process: no retry (an fsync error)
  friend bool operator==(const AppendFailed&, const AppendFailed&) = default;
};
/// The records of one entity, oldest first, in one or more parts.
struct Replayed {
  std::uint64_t token{};
  std::vector<Bytes> records{};
  std::optional<Error> error{};
  friend bool operator==(const Replayed&, const Replayed&) = default;
};
/// A part of the log in order.
struct Recovered {
  std::uint64_t token{};
  std::vector<Bytes> records{};
  friend bool operator==(const Recovered&, const Recovered&) = default;
};
struct RecoveryFinished {
  std::uint64_t token{};
  std::vector<ShardId> shards{};
  std::optional<Error> error{};
  friend bool operator==(const RecoveryFinished&, const RecoveryFinished&) = default;
};
using JournalEvent = std::variant<Appended, AppendFailed, Replayed, Recovered, RecoveryFinished>;

/// Appends that one journal holds unsynced; more is refused by the core as `busy`. 32 MiB at 256 B
/// a record.
inline constexpr std::size_t max_unsynced_appends = 131'072;

class Journal {
 public:
  virtual ~Journal() = default;
  virtual void append(AppendRequest request) = 0;
  /// After AppendFailed: the core dropped what was not durable and goes on from `next`.
  virtual void reset(ShardId shard, LogIndex next) = 0;
  virtual void replay(std::uint64_t token, ShardId shard, LogIndex head) = 0;
  virtual void recover(std::uint64_t token, std::vector<ShardId> shards) = 0;
  [[nodiscard]] virtual std::vector<JournalEvent> poll() = 0;
};

}  // namespace coterie::replication
