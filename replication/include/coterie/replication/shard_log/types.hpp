/// The nouns of a shard's replicated log. Source: placement contract, "State"; PacificA (Lin 2008);
/// Vertical Paxos (Lamport 2009). Thread-safety: values.
#pragma once

#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"
#include "coterie/replication/raft/types.hpp"

namespace coterie::replication::shard_log {

/// A replica is a disk, not a name (invariant 10): who lost its disk is another replica.
using Replica = raft::MemberId;

/// The register of one shard, as the MetaStore holds it.
struct Assignment {
  Epoch epoch{};  ///< 0 = never placed
  Replica primary{};
  StartId start{};                  ///< the life of the primary that leads this epoch
  std::vector<Replica> in_sync{};   ///< I, the primary included
  std::vector<Replica> replicas{};  ///< R: I and those that are to be in it
  std::uint32_t min_in_sync = 1;    ///< nothing commits with fewer in I
  Epoch forced{};  ///< in which an operator gave up what others had committed; 0: never
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

struct Entry {
  Epoch epoch{};
  bool barrier = false;  ///< NewEpoch: the first of its epoch
  Bytes record{};
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// From `first` on the entries are of this epoch, up to the next start. Few: one per change of
/// hands.
struct EpochStart {
  Epoch epoch{};
  LogIndex first{};
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

/// What came before a log's first entry, all of it committed, and is not there any more.
struct Base {
  LogIndex last{};  ///< 0: nothing
  Epoch epoch{};    ///< of the entry there
  friend bool operator==(const Base&, const Base&) = default;
};

/// What a replica's disk holds, but for the records.
struct Stored {
  Base base{};
  std::vector<EpochStart> starts{};
  LogIndex last{};
  Epoch promised{};
  std::uint64_t first_batch = 1;  ///< of the writes to come
  Instant opened{};               ///< now: what an earlier life granted it does not know
};

[[nodiscard]] inline bool holds(const std::vector<Replica>& set, const Replica& replica) {
  return std::find(set.begin(), set.end(), replica) != set.end();
}

}  // namespace coterie::replication::shard_log
