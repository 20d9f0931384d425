/// What holds a shard up: another copy that is behind, or this node's own disk. Looked
/// at every lag_interval. Thread-safety: a value; one owner.
#pragma once

#include <algorithm>
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
  /// The disk refused an append: it is full.
  void stall() { stalls_ = std::max(stalls_, 1U); }
  /// The disk does nothing any more in this life of the node.
  void fail() { failed_ = true; }
  [[nodiscard]] bool failed() const { return failed_; }
  /// From one look to the next an append waited, and none was done; or none ever will be.
  [[nodiscard]] bool stalls() const { return failed_ || stalls_ > 0; }
  /// The next look may see something else, whoever does nothing meanwhile.
  [[nodiscard]] bool changes() const { return waits_ || stalls_ + vain_ > 0 || lag_ > 0; }
  /// Looked at again: too few of those in sync are up.
  void wait_in_vain(bool too_few) { vain_ = too_few ? vain_ + 1 : 0; }
  /// Nothing was committed for lag_interval and more, and nothing will be for a while.
  [[nodiscard]] bool in_vain() const { return vain_ > 1; }
  /// For so many looks one after the other.
  [[nodiscard]] std::uint32_t looks() const { return stalls_; }

 private:
  std::uint64_t lag_ = 0;
  bool waits_ = false, failed_ = false;
  std::uint32_t stalls_ = 0, vain_ = 0;
  LogIndex durable_{};
};

}  // namespace coterie::cluster
