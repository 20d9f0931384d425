/// What holds a shard up: another copy that is behind, or this node's own disk. Looked
/// at every lag_interval. Thread-safety: a value; one owner.
#pragma once

#include <utility>

#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::cluster {

class ShardDelay {
 public:
  /// True: what is to be told of it changed. `late`: this process stood still since the last look,
  /// and what the disk has done meanwhile waits to be read.
  bool look(const replication::shard_log::ShardReplica* replica, bool late) {
    const auto durable = replica->durable();
    const bool waits = durable < replica->last();
    const bool stalled = stalls();
    stalls_ = waits && waits_ && !late && durable == durable_ ? stalls_ + 1 : 0;
    waits_ = waits;
    durable_ = durable;
    const auto behind = replica->leads() ? replica->lag() : 0;
    return std::exchange(lag_, behind) != behind || stalls() != stalled;
  }
  friend bool operator==(const ShardDelay&, const ShardDelay&) = default;
  [[nodiscard]] std::uint64_t lag() const { return lag_; }
  /// The disk does nothing any more in this life of the node.
  void fail() { failed_ = true; }
  /// From one look to the next an append waited, and none was done; or none ever will be.
  [[nodiscard]] bool stalls() const { return failed_ || stalls_ > 0; }
  /// For so many looks one after the other.
  [[nodiscard]] std::uint32_t looks() const { return stalls_; }

 private:
  std::uint64_t lag_ = 0;
  bool waits_ = false, failed_ = false;
  std::uint32_t stalls_ = 0;
  LogIndex durable_{};
};

}  // namespace coterie::cluster
