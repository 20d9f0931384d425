/// The name of a shard's copy that was renewed after damage. A replica is named by its data
/// directory; one whose log lost records that it had acknowledged must come back under another name
/// (placement contract, invariant 10: amnesia), while the other shards of that directory keep
/// theirs. So the top byte counts the renewals of one shard's copy. Thread-safety: values.
#pragma once

#include <cstdint>
#include <vector>

#include "coterie/replication/register.hpp"

namespace coterie::replication {

/// Then the data directory has to be replaced. Few enough that of two names the later can be told.
inline constexpr std::uint64_t max_renewals = 100;

/// The name of the copy that a data directory has of a shard, after so many renewals.
[[nodiscard]] constexpr std::uint64_t renewed(std::uint64_t disk, std::uint64_t renewals) {
  return disk + (renewals << 56);
}
[[nodiscard]] constexpr bool same_directory(std::uint64_t a, std::uint64_t b) {
  return ((a ^ b) << 8) == 0;
}
[[nodiscard]] inline bool same_directory(const raft::MemberId& a, const raft::MemberId& b) {
  return same_directory(a.disk, b.disk) && a.node == b.node;
}
/// Of two names that one directory's copy had.
[[nodiscard]] constexpr bool is_later(std::uint64_t a, std::uint64_t b) {
  return (a - b) >> 56 != 0 && (a - b) >> 56 <= max_renewals;
}

/// The latest name in `set` of that directory's copy; null: there is none.
[[nodiscard]] inline const raft::MemberId* latest_of(const std::vector<raft::MemberId>& set,
                                                     const raft::MemberId& member) {
  const raft::MemberId* found = nullptr;
  for (const auto& other : set)
    if (same_directory(other, member) && (found == nullptr || is_later(other.disk, found->disk)))
      found = &other;
  return found;
}

/// It has no later name in `entry`: who has one lost what this name acknowledged.
[[nodiscard]] inline bool is_current(const Register& entry, const raft::MemberId& member) {
  const auto superseded = [&](const std::vector<raft::MemberId>& set) {
    const auto* const latest = latest_of(set, member);
    return latest != nullptr && is_later(latest->disk, member.disk);
  };
  return !superseded(entry.replicas) && !superseded(entry.in_sync);
}

}  // namespace coterie::replication
