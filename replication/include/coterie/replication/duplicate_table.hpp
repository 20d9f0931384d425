/// The duplicate table of one shard: which commands have had their effect, and what they were
/// answered. Bounded, evicted in log order. Source: placement contract, invariant 12.
/// Thread-safety: one owner.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

#include "coterie/core/bytes.hpp"
#include "coterie/core/flat_index.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::replication {

/// Commands remembered per shard, and the bytes of their replies; beyond these bytes the oldest
/// replies go and their ids stay, so that no command has its effect twice within the window. With
/// 80 B an id the most that a node of 256 shards holds is 1.2 GiB.
inline constexpr std::size_t max_remembered_commands = 32'768;
inline constexpr std::size_t max_remembered_bytes = 2 * 1024 * 1024;

struct Remembered {
  CommandId command{};
  LogIndex index{};  ///< the answer may be given once this is committed
  Sequence sequence{};
  Epoch epoch{};
  std::string reply{};         ///< bytes; up to 15 of them in place, as most replies are
  bool reply_dropped = false;  ///< it had its effect, but its reply is no longer there
};

class DuplicateTable {
 public:
  [[nodiscard]] const Remembered* find(const CommandId& command) const;
  /// Log indices must not decrease.
  void remember(Remembered entry);
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  /// Oldest first.
  [[nodiscard]] const std::deque<Remembered>& entries() const { return order_; }
  /// The newest time of what was forgotten.
  [[nodiscard]] std::uint64_t horizon() const { return horizon_; }
  void forgets_up_to(std::uint64_t time_ms) { horizon_ = std::max(horizon_, time_ms); }
  /// True if a command made at this time may have been forgotten: nothing newer was.
  [[nodiscard]] bool older_than_window(std::uint64_t time_ms) const { return time_ms <= horizon_; }

 private:
  void forget(const Remembered& entry, std::uint32_t slot);
  void evict_front();
  void drop_oldest_reply();
  [[nodiscard]] static std::uint64_t hash(const CommandId& id) {
    return id.high * 0x9e3779b97f4a7c15ULL ^ id.low;
  }

  FlatIndex index_{};
  std::deque<Remembered> order_{};
  std::uint32_t first_ = 0;  ///< slot number of order_.front(); slots count up and wrap
  std::size_t bytes_ = 0;
  std::size_t replies_dropped_ = 0;  ///< at the front of order_
  std::uint64_t horizon_ = 0;  ///< the newest time of what was forgotten, of ids that carry one
};

}  // namespace coterie::replication
