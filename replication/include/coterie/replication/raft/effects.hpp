/// What a Raft member wants done. Thread-safety: values.
#pragma once

#include <optional>
#include <variant>

#include "coterie/replication/raft/messages.hpp"

namespace coterie::replication::raft {

struct Send {
  Message message{};
  friend bool operator==(const Send&, const Send&) = default;
};
/// Make this durable, in the order of the batches, then call persisted(batch). With a snapshot, the
/// entries up to its index go. With `from`, the entries from there on are replaced by `entries`.
struct Persist {
  std::uint64_t batch{};
  std::optional<HardState> hard{};
  std::optional<Snapshot> snapshot{};
  Index from{};  ///< 0 = the log stays as it is
  std::vector<Entry> entries{};
  friend bool operator==(const Persist&, const Persist&) = default;
};
/// This entry is committed; every member applies the same ones in the same order.
struct Apply {
  Index index{};
  Entry entry{};
  friend bool operator==(const Apply&, const Apply&) = default;
};
/// The state machine starts again from this.
struct Restore {
  Snapshot snapshot{};
  friend bool operator==(const Restore&, const Restore&) = default;
};
/// The leader that this member knows of changed; no node = none.
struct LeaderChanged {
  Term term{};
  MemberId leader{};
  friend bool operator==(const LeaderChanged&, const LeaderChanged&) = default;
};
/// Everything committed before read(token) was called is applied.
struct ReadReady {
  std::uint64_t token{};
  friend bool operator==(const ReadReady&, const ReadReady&) = default;
};
/// This member leads no longer; ask the new leader.
struct ReadFailed {
  std::uint64_t token{};
  friend bool operator==(const ReadFailed&, const ReadFailed&) = default;
};

using Effect = std::variant<Send, Persist, Apply, Restore, LeaderChanged, ReadReady, ReadFailed>;
using Effects = std::vector<Effect>;

}  // namespace coterie::replication::raft
