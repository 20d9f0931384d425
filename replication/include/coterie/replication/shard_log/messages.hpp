/// What the replicas of a shard say to each other, and what one wants done. Thread-safety: values.
#pragma once

#include <optional>
#include <variant>

#include "coterie/core/time.hpp"
#include "coterie/replication/shard_log/types.hpp"

namespace coterie::replication::shard_log {

/// Primary to replica: entries behind `previous`, or none as a heartbeat.
struct Append {
  LogIndex previous{};
  Epoch previous_epoch{};  ///< of the entry at `previous`
  LogIndex commit{};
  std::uint64_t number{};  ///< echoed: which message an answer is to
  std::vector<Entry> entries{};
  /// The sender's log begins with these entries: so does that of who does not have `previous`.
  bool begins = false;
  /// With it: also of who has something else as committed, which an operator gave up.
  bool discards = false;
  friend bool operator==(const Append&, const Append&) = default;
};
/// Everything up to `match` is durable here, and this replica has promised the message's epoch.
struct Accepted {
  LogIndex match{};
  std::uint64_t number{};
  friend bool operator==(const Accepted&, const Accepted&) = default;
};
/// A later epoch was promised, or the log does not continue: try from `hint`.
struct Refused {
  Epoch promised{};
  LogIndex hint{};
  std::uint64_t number{};
  friend bool operator==(const Refused&, const Refused&) = default;
};
/// A confirmation round (invariant 9): is this epoch still the one you promised?
struct Confirm {
  std::uint64_t round{};
  Duration lease{};  ///< asked for with it; 0: none
  friend bool operator==(const Confirm&, const Confirm&) = default;
};
struct Confirmed {
  std::uint64_t round{};
  Duration lease{};  ///< for so long, and a little more, nobody else gets this replica's promise
  friend bool operator==(const Confirmed&, const Confirmed&) = default;
};

/// The primary reads by leases no longer: what was granted to it binds nobody.
struct Release {
  friend bool operator==(const Release&, const Release&) = default;
};

struct Message {
  Replica from{};
  Replica to{};
  Epoch epoch{};  ///< under which its sender speaks; of an answer: which it answers
  std::variant<Append, Accepted, Refused, Confirm, Confirmed, Release> body{};
  friend bool operator==(const Message&, const Message&) = default;
};

struct Send {
  Message message{};
  friend bool operator==(const Send&, const Send&) = default;
};
/// Make this durable in the order of the batches, then call persisted(batch). With `from`, the
/// entries from there on are replaced by `entries`; with `begins`, all there are.
struct Persist {
  std::uint64_t batch{};
  LogIndex from{};  ///< 0 = the log stays
  std::vector<Entry> entries{};
  Epoch promised{};
  std::optional<Base> begins{};  ///< the log's, from here on
  friend bool operator==(const Persist&, const Persist&) = default;
};
/// Read entries from `from` on, as many as fit, and hand them in by log_read().
struct ReadLog {
  Replica to{};
  LogIndex from{};
  friend bool operator==(const ReadLog&, const ReadLog&) = default;
};
/// Ask the MetaStore for this compare-and-swap, from desired.epoch - 1. Again until an assignment
/// of a later epoch than ours is seen.
struct Propose {
  Assignment desired{};
  friend bool operator==(const Propose&, const Propose&) = default;
};
/// Everything up to here is on the disks of all in-sync replicas: replies may go.
struct Committed {
  LogIndex index{};
  friend bool operator==(const Committed&, const Committed&) = default;
};
/// The barrier of this epoch is committed: the primary serves.
struct Serving {
  Epoch epoch{};
  friend bool operator==(const Serving&, const Serving&) = default;
};
/// Another one leads, or this life may not: what was not committed has an unknown outcome.
struct SteppedDown {
  Epoch epoch{};
  friend bool operator==(const SteppedDown&, const SteppedDown&) = default;
};
/// No later primary had committed anything when read(token) was asked: what this one sees up to
/// `index` is the newest; answer when that is committed.
struct ReadReady {
  std::uint64_t token{};
  LogIndex index{};
  friend bool operator==(const ReadReady&, const ReadReady&) = default;
};
struct ReadFailed {
  std::uint64_t token{};
  friend bool operator==(const ReadFailed&, const ReadFailed&) = default;
};

using Effect = std::variant<Send, Persist, ReadLog, Propose, Committed, Serving, SteppedDown,
                            ReadReady, ReadFailed>;
using Effects = std::vector<Effect>;

}  // namespace coterie::replication::shard_log
