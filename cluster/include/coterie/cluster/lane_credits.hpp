/// The credits of all lanes of one worker (messaging/credits.hpp), and of which connection each
/// command came: what came through an earlier one gives nothing back to this one. Thread-safety: a
/// value.
#pragma once

#include <utility>
#include <vector>

#include "coterie/messaging/credits.hpp"
#include "coterie/messaging/link_effects.hpp"

namespace coterie::cluster {

class LaneCredits {
 public:
  explicit LaneCredits(messaging::CreditConfig config) : config_(config) {}
  /// A new connection. `both`: its two ends know of credits.
  void lane_up(messaging::LaneId lane, bool both) {
    if (lane >= lanes_.size()) lanes_.resize(lane + 1);
    lanes_[lane] = {.life = lanes_[lane].life + 1,
                    .both = both,
                    .window = messaging::CreditWindow(config_),
                    .ledger = messaging::CreditLedger(config_)};
  }
  [[nodiscard]] std::uint32_t life(messaging::LaneId lane) const {
    return lane < lanes_.size() ? lanes_[lane].life : 0;
  }

  [[nodiscard]] bool may_send(messaging::LaneId lane, ShardId shard, std::size_t bytes,
                              Instant now) const {
    return lane >= lanes_.size() || !lanes_[lane].both ||
           lanes_[lane].window.may_send(messaging::credit_group(shard), bytes, now);
  }
  void sent(messaging::LaneId lane, ShardId shard, std::size_t bytes, Instant now) {
    if (lane < lanes_.size() && lanes_[lane].both)
      lanes_[lane].window.sent(messaging::credit_group(shard), bytes, now);
  }
  /// False: the other side breaks the protocol.
  [[nodiscard]] bool granted(messaging::LaneId lane, const messaging::Grant& grant) {
    return lane < lanes_.size() && lanes_[lane].both && lanes_[lane].window.granted(grant);
  }

  void arrived(messaging::LaneId lane, ShardId shard, std::size_t bytes) {
    if (auto* const ledger = ledger_of(lane, life(lane)))
      ledger->arrived(messaging::credit_group(shard), bytes);
  }
  void held(messaging::LaneId lane, std::uint32_t of, ShardId shard, std::size_t bytes) {
    if (auto* const ledger = ledger_of(lane, of))
      ledger->held(messaging::credit_group(shard), bytes);
  }
  void freed(messaging::LaneId lane, std::uint32_t of, ShardId shard, std::size_t bytes) {
    if (auto* const ledger = ledger_of(lane, of))
      ledger->freed(messaging::credit_group(shard), bytes);
  }
  /// At the end of a batch: `send(lane, grants)` is called for each lane to which something is due;
  /// where it answers false it is due again.
  template <class Send>
  void grant(Send send) {
    auto lanes = std::exchange(touched_, {});
    for (const auto lane : lanes) {
      lanes_[lane].touched = false;
      const auto due = lanes_[lane].ledger.due();
      if (due.empty()) continue;
      if (send(lane, due)) lanes_[lane].ledger.told(due);
      else (void)ledger_of(lane, lanes_[lane].life);
    }
  }

 private:
  struct Lane {
    std::uint32_t life{};
    bool both = false;
    bool touched = false;
    messaging::CreditWindow window{};
    messaging::CreditLedger ledger{};
  };
  messaging::CreditLedger* ledger_of(messaging::LaneId lane, std::uint32_t of) {
    if (lane >= lanes_.size() || !lanes_[lane].both || lanes_[lane].life != of) return nullptr;
    if (!std::exchange(lanes_[lane].touched, true)) touched_.push_back(lane);
    return &lanes_[lane].ledger;
  }

  messaging::CreditConfig config_;
  std::vector<Lane> lanes_{};
  std::vector<messaging::LaneId> touched_{};  ///< since the last batch
};

}  // namespace coterie::cluster
