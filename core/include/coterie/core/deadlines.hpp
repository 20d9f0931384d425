/// A deadline for each of many, and the earliest of them: what changes costs a block, not all.
/// Thread-safety: one owner.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>

#include "coterie/core/time.hpp"

namespace coterie {

template <std::size_t Size>
class Deadlines {
 public:
  Deadlines() {
    all_.fill(never);
    earliest_.fill(never);
  }
  void set(std::size_t i, Instant at) {
    all_.at(i) = at;
    stale_.set(i / block);
  }
  [[nodiscard]] Instant operator[](std::size_t i) const { return all_[i]; }
  [[nodiscard]] Instant earliest() const {
    for (std::size_t b = 0; b < blocks && stale_.any(); ++b)
      if (stale_.test(b)) {
        const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(b * block);
        const auto size = std::min(block, Size - b * block);
        earliest_[b] = *std::min_element(begin, begin + static_cast<std::ptrdiff_t>(size));
        stale_.reset(b);
      }
    return *std::min_element(earliest_.begin(), earliest_.end());
  }

 private:
  static constexpr std::size_t block = 16;
  static constexpr std::size_t blocks = (Size + block - 1) / block;
  std::array<Instant, Size> all_{};
  mutable std::array<Instant, blocks> earliest_{};
  mutable std::bitset<blocks> stale_{};
};

}  // namespace coterie
