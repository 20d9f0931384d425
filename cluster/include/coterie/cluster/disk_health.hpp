/// Whether this node's disk keeps up: its journal, as the shards' status says, and its own store,
/// by the writes of the registers that wait for it. Slow it is until nothing has stalled for
/// slow_hold. Thread-safety: a value; one owner.
#pragma once

#include <string_view>
#include <utility>

#include "coterie/core/time.hpp"

namespace coterie::cluster {

/// A node whose disk stalled leads nothing that another one can lead for so long: a move costs more
/// than it gives if the disk is well again in a moment, or never is for long.
inline constexpr Duration slow_hold = 30s;
inline constexpr std::string_view slow_disk =
    "this node's disk is slow, full, or has failed: others are to lead its shards";
/// A write of the registers that waits for the node's own store for so long: the disk is slow, and
/// another voter had better lead, since what a leader has not on its disk yet is kept in memory.
inline constexpr Duration store_patience = 5s;

class DiskHealth {
 public:
  void asked(std::uint64_t batch, Instant now) {
    waits_since_ = earliest(waits_since_, now);
    newest_ = batch;
  }
  void written(std::uint64_t batch, Instant now) { waits_since_ = batch >= newest_ ? never : now; }
  [[nodiscard]] bool store_hangs(Instant now) const {
    return waits_since_ != never && now - waits_since_ >= store_patience;
  }
  /// `stalls`: the journal does, of some shard. True: the disk is slow since now.
  bool look(bool stalls, Instant now) {
    const bool was = slow_;
    if (stalls || store_hangs(now)) slow_ = true, until_ = now + slow_hold;
    else if (now >= until_) slow_ = false;
    return slow_ && !was;
  }
  [[nodiscard]] bool slow() const { return slow_; }
  /// When a look may see that the store hangs. That it is well again shows at any later look.
  [[nodiscard]] Instant next_deadline() const {
    return waits_since_ == never || slow_ ? never : waits_since_ + store_patience;
  }

 private:
  bool slow_ = false;
  Instant until_{};
  Instant waits_since_ = never;  ///< the oldest write that is not done
  std::uint64_t newest_{};
};

}  // namespace coterie::cluster
