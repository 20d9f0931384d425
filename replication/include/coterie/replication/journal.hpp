/// The Journal seam: what a shard's log asks of a disk. Two worlds implement it: LMDB (storage/)
/// and the simulator's disk (sim/); tests/conformance/journal_test.cpp is the suite that
/// both must pass. Requests return at once; completions are polled, in the order in which the disk
/// finished them.
///
/// Contract: appends become durable in submission order per journal; `Appended` is reported only
/// after the bytes would survive a power cut; after an append failed, every later append of that
/// shard is dropped without a word until `reset` acknowledges it; an epoch below the shard's
/// promise is refused.
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
  Epoch epoch{};          ///< under which it is asked for: of whoever leads, not of the record
  LogIndex index{};       ///< of the record; without one, where the log goes on
  bool promises = false;  ///< raises the shard's promise to `epoch`
  bool replaces = false;  ///< whatever the log holds from `index` on goes first
  bool begins = false;    ///< with it: all of the log goes, and it begins anew at `index`
  bool trims = false;     ///< no record: what comes before `index` may go, and is not read again
  std::uint64_t
      batch{};     ///< told when it is durable; ascending for each shard; 0 = no batch ends here
  Bytes record{};  ///< empty: the promise or the cut alone
  /// Not 0: with the cut, the copy is renewed for the so-manieth time, and what was damaged goes.
  std::uint64_t renewal{};
};

struct Appended {
  ShardId shard{};
  std::uint64_t batch{};  ///< everything up to this one is durable
  friend bool operator==(const Appended&, const Appended&) = default;
};
struct AppendFailed {
  ShardId shard{};
  LogIndex index{};  ///< nothing that was asked for from here on is durable
  Error error{};
  bool fatal = false;  ///< the stripe is dead for this process: no retry (an fsync error)
  friend bool operator==(const AppendFailed&, const AppendFailed&) = default;
};
/// The records of one entity, oldest first, from its newest snapshot on or from its first event.
struct Replayed {
  std::uint64_t token{};
  std::vector<Bytes> records{};
  std::optional<Error> error{};
  friend bool operator==(const Replayed&, const Replayed&) = default;
};
/// A part of the logs, each in its order.
struct Recovered {
  std::uint64_t token{};
  std::vector<Bytes> records{};
  std::vector<ShardId> of{};  ///< whose each of them is: a damaged one may not tell
  friend bool operator==(const Recovered&, const Recovered&) = default;
};
enum class LogState : std::uint8_t {
  whole,
  suspect,  ///< a record is damaged of which nobody can tell whose it is, and this log may lack it
  damaged   ///< there were more records than were read, but one of them is damaged or missing
};
struct RecoveredLog {
  ShardId shard{};
  Epoch promised{};
  std::uint64_t renewals{};  ///< of this copy
  LogState state = LogState::whole;
  LogIndex first{1};  ///< of its records: what came before was trimmed
  friend bool operator==(const RecoveredLog&, const RecoveredLog&) = default;
};
struct RecoveryFinished {
  std::uint64_t token{};
  std::vector<RecoveredLog> logs{};
  std::optional<Error> error{};
  friend bool operator==(const RecoveryFinished&, const RecoveryFinished&) = default;
};
/// Records of one shard in order, from where they were asked for; fewer than fit, or none: there
/// the durable log ends.
struct LogRead {
  std::uint64_t token{};
  std::vector<Bytes> records{};
  std::optional<Error> error{};
  friend bool operator==(const LogRead&, const LogRead&) = default;
};
using JournalEvent =
    std::variant<Appended, AppendFailed, Replayed, Recovered, RecoveryFinished, LogRead>;

/// Appends that one journal holds unsynced; more is refused by the core as `busy`. 32 MiB at 256 B
/// a record.
inline constexpr std::size_t max_unsynced_appends = 131'072;

class Journal {
 public:
  virtual ~Journal() = default;
  /// In this order; handed over at once they are one group as far as it has room. A trim that names
  /// no record of the log is none.
  virtual void append(std::vector<AppendRequest> requests) = 0;
  /// After AppendFailed: the core has dropped what was not durable.
  virtual void reset(ShardId shard) = 0;
  /// `whole`: snapshots are passed over, and the records begin with the first event.
  virtual void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) = 0;
  virtual void recover(std::uint64_t token, std::vector<ShardId> shards) = 0;
  /// Durable records from `from` on, at least one if there is one, as many as fit into `bytes`;
  /// none if `from` was trimmed.
  virtual void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) = 0;
  [[nodiscard]] virtual std::vector<JournalEvent> poll() = 0;
};

}  // namespace coterie::replication
