/// Counters that every replica may raise and that converge: grow-only, and one that may fall. Every
/// change gives a delta, a small value of the same type, which merges in any order, twice or not at
/// all until a later one. Source: Shapiro, Preguica, Baquero, Zawirski, INRIA RR-7506, section 3.1;
/// deltas: Almeida, Shoker, Baquero, JPDC 2018. Thread-safety: values; one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

namespace coterie::gossip {

/// One life of one member: a replica's names must not come back after it forgot its counts.
using Replica = std::string;

class GCounter {
 public:
  /// Returns the delta.
  GCounter add(const Replica& self, std::uint64_t amount) {
    GCounter delta;
    delta.counts_[self] = counts_[self] += amount;
    return delta;
  }
  void merge(const GCounter& other) {
    for (const auto& [replica, count] : other.counts_)
      counts_[replica] = std::max(counts_[replica], count);
  }
  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t sum = 0;
    for (const auto& [replica, count] : counts_) sum += count;
    return sum;
  }
  [[nodiscard]] const std::map<Replica, std::uint64_t>& counts() const { return counts_; }
  [[nodiscard]] static GCounter from(std::map<Replica, std::uint64_t> counts) {
    GCounter counter;
    counter.counts_ = std::move(counts);
    return counter;
  }
  friend bool operator==(const GCounter&, const GCounter&) = default;

 private:
  std::map<Replica, std::uint64_t> counts_{};
};

class PNCounter {
 public:
  /// Returns the delta; `amount` may be negative.
  PNCounter add(const Replica& self, std::int64_t amount) {
    PNCounter delta;
    const auto size = amount < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(amount)
                                 : static_cast<std::uint64_t>(amount);
    (amount < 0 ? delta.down_ : delta.up_) = (amount < 0 ? down_ : up_).add(self, size);
    return delta;
  }
  void merge(const PNCounter& other) {
    up_.merge(other.up_);
    down_.merge(other.down_);
  }
  [[nodiscard]] std::int64_t value() const {
    return static_cast<std::int64_t>(up_.value() - down_.value());
  }
  [[nodiscard]] const GCounter& up() const { return up_; }
  [[nodiscard]] const GCounter& down() const { return down_; }
  [[nodiscard]] static PNCounter from(GCounter up, GCounter down) {
    PNCounter counter;
    counter.up_ = std::move(up);
    counter.down_ = std::move(down);
    return counter;
  }
  friend bool operator==(const PNCounter&, const PNCounter&) = default;

 private:
  GCounter up_{}, down_{};
};

}  // namespace coterie::gossip
