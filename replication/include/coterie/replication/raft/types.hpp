/// The nouns of Raft. Source: Ongaro and Ousterhout 2014, figure 2; Ongaro's thesis, chapters 3 to
/// 6. Thread-safety: values.
#pragma once

#include <algorithm>
#include <compare>
#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/strong.hpp"

namespace coterie::replication::raft {

using Term = Strong<struct TermTag, std::uint64_t>;    ///< at most one leader each; 0 = none yet
using Index = Strong<struct IndexTag, std::uint64_t>;  ///< position in the group's log; first is 1

/// A member is a data directory, not a name: who came back with an empty disk forgot its vote, and
/// must not vote again in the same term (placement contract, invariant 10).
struct MemberId {
  std::string node{};
  std::uint64_t disk{};
  /// Disks first: they differ where names do, and are compared at once.
  friend bool operator==(const MemberId& a, const MemberId& b) {
    return a.disk == b.disk && a.node == b.node;
  }
  friend std::strong_ordering operator<=>(const MemberId& a, const MemberId& b) {
    const auto disks = a.disk <=> b.disk;
    return disks != 0 ? disks : a.node <=> b.node;
  }
};

struct Configuration {
  std::vector<MemberId> voters{};
  std::vector<MemberId> learners{};  ///< get the log, have no vote
  friend bool operator==(const Configuration&, const Configuration&) = default;

  [[nodiscard]] bool is_voter(const MemberId& id) const { return holds(voters, id); }
  [[nodiscard]] bool is_learner(const MemberId& id) const { return holds(learners, id); }
  [[nodiscard]] bool contains(const MemberId& id) const { return is_voter(id) || is_learner(id); }
  [[nodiscard]] std::size_t quorum() const { return voters.size() / 2 + 1; }

 private:
  [[nodiscard]] static bool holds(const std::vector<MemberId>& ids, const MemberId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }
};

enum class EntryKind : std::uint8_t {
  nothing = 0,  ///< a leader's first entry, whose commit commits everything before it
  command = 1,
  configuration = 2,
};

struct Entry {
  Term term{};
  EntryKind kind = EntryKind::nothing;
  Bytes data{};
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// What must be durable before any answer that depends on it.
struct HardState {
  Term term{};
  MemberId vote{};  ///< whom this member voted for in `term`; no node = nobody
  friend bool operator==(const HardState&, const HardState&) = default;
};

struct Snapshot {
  Index index{};  ///< 0 = none
  Term term{};
  Configuration configuration{};
  Bytes state{};
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// What the disk of a member holds; the entries follow the snapshot.
struct Stored {
  HardState hard{};
  Snapshot snapshot{};
  std::vector<Entry> entries{};
};

/// Bounds of a group: 5 voters and those that are about to be replaced; names of 255 bytes.
inline constexpr std::size_t max_voters = 7;
inline constexpr std::size_t max_learners = 8;

}  // namespace coterie::replication::raft
