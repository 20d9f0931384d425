/// What holds a shard up that is led here: a copy that is behind, or this node's own disk. Looked
/// at every lag_interval. Thread-safety: a value; one owner.
#pragma once

#include <utility>

#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::cluster {

class ShardDelay {
 public:
  /// True: what is to be told of it changed. `replica`: null while there is none.
  bool look(const replication::shard_log::ShardReplica* replica) {
    const bool leads = replica != nullptr && replica->leads();
    const auto durable = leads ? replica->durable() : LogIndex{};
    const bool waits = leads && durable < replica->last();
    const bool stalls = waits && std::exchange(waits_, waits) && durable == durable_;
    waits_ = waits;
    durable_ = durable;
    const auto behind = leads ? replica->lag() : 0;
    const bool same = behind == lag_ && stalls == stalls_;
    lag_ = behind, stalls_ = stalls;
    return !same;
  }
  friend bool operator==(const ShardDelay&, const ShardDelay&) = default;
  [[nodiscard]] std::uint64_t lag() const { return lag_; }
  /// From one look to the next an append waited, and none was done.
  [[nodiscard]] bool stalls() const { return stalls_; }

 private:
  std::uint64_t lag_ = 0;
  bool waits_ = false, stalls_ = false;
  LogIndex durable_{};
};

}  // namespace coterie::cluster
