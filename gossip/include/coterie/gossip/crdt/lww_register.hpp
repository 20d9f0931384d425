/// A register whose last write wins: by time, and of equal times the larger replica's. Time is the
/// writer's Lamport time, one more than the largest it saw, so a write that saw another one wins
/// over it. Source: Shapiro and others, INRIA RR-7506, section 3.2. Thread-safety: a value.
#pragma once

#include <cstdint>
#include <tuple>
#include <utility>

#include "coterie/gossip/crdt/counters.hpp"

namespace coterie::gossip {

template <class T>
class LwwRegister {
 public:
  /// Returns the delta: a register is as small as its delta.
  LwwRegister set(const Replica& self, T value) {
    value_ = std::move(value);
    ++time_;
    writer_ = self;
    return *this;
  }
  void merge(const LwwRegister& other) {
    if (std::tie(other.time_, other.writer_) > std::tie(time_, writer_)) *this = other;
  }
  [[nodiscard]] const T& value() const { return value_; }
  [[nodiscard]] std::uint64_t time() const { return time_; }
  [[nodiscard]] const Replica& writer() const { return writer_; }
  [[nodiscard]] static LwwRegister from(std::uint64_t time, Replica writer, T value) {
    LwwRegister out;
    out.time_ = time;
    out.writer_ = std::move(writer);
    out.value_ = std::move(value);
    return out;
  }
  friend bool operator==(const LwwRegister&, const LwwRegister&) = default;

 private:
  T value_{};
  std::uint64_t time_ = 0;  ///< 0: never written
  Replica writer_{};
};

}  // namespace coterie::gossip
