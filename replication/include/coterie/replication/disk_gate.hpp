/// What a core says holds back until the disk has what it is said upon. One write an input, batches
/// in order; a message waits for the newest batch there was when it was said. Also: how far the
/// core's own log is durable, through cuts of the log while batches are under way. Source:
/// placement contract, invariant 2; Raft, figure 2 ("before responding"). Thread-safety: one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "coterie/core/ensure.hpp"

namespace coterie::replication {

template <class Position, class Message>
class DiskGate {
 public:
  /// `durable`: what the disk held at the start. Beyond `max_held` waiting messages, of a disk that
  /// hangs, the oldest go: whoever asked asks again.
  DiskGate(Position durable, std::size_t max_held, std::uint64_t first_batch = 1)
      : durable_(durable), max_held_(max_held), next_batch_(first_batch) {}

  /// The number of the batch that the next write() opens.
  [[nodiscard]] std::uint64_t next_batch() const { return next_batch_; }
  /// This input writes; the log then ends at `last`.
  std::uint64_t write(Position last) {
    in_flight_.push_back({next_batch_, last});
    return next_batch_++;
  }
  /// The log is cut and ends at `last`: what was durable beyond it is so no longer.
  void cut(Position last) {
    durable_ = std::min(durable_, last);
    for (auto& batch : in_flight_) batch.last = std::min(batch.last, last);
  }
  void stage(Message message) { staged_.push_back(std::move(message)); }
  /// The end of an input: what was staged in it goes at once if nothing is under way.
  template <class Emit>
  void release(bool at_once, Emit emit) {
    for (auto& message : staged_) {
      if (at_once || in_flight_.empty()) emit(std::move(message));
      else held_.push_back({in_flight_.back().number, std::move(message)});
    }
    staged_.clear();
    while (held_.size() > max_held_) held_.pop_front();
  }
  /// The disk has this batch, and all before it.
  template <class Emit>
  void synced(std::uint64_t batch, Emit emit) {
    COTERIE_ENSURE(!in_flight_.empty() && in_flight_.front().number <= batch);
    for (; !in_flight_.empty() && in_flight_.front().number <= batch; in_flight_.pop_front())
      durable_ = std::max(durable_, in_flight_.front().last);
    for (; !held_.empty() && held_.front().batch <= batch; held_.pop_front())
      emit(std::move(held_.front().message));
  }
  /// Of the log as it is now.
  [[nodiscard]] Position durable() const { return durable_; }

 private:
  struct Batch {
    std::uint64_t number{};
    Position last{};
  };
  struct Held {
    std::uint64_t batch{};
    Message message{};
  };

  Position durable_;
  std::size_t max_held_;
  std::uint64_t next_batch_;
  std::deque<Batch> in_flight_{};
  std::deque<Message> staged_{};
  std::deque<Held> held_{};
};

}  // namespace coterie::replication
