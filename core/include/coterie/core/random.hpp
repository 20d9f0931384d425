/// Our own random numbers: xoshiro256** seeded through splitmix64 (Blackman and Vigna 2018).
/// Standard distributions differ between libraries, which would break replay, so the few that we
/// need are here. Thread-safety: a value; one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "coterie/core/time.hpp"

namespace coterie {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, bound); bound > 0. Lemire's multiply-shift; the bias is below 2^-32 for our
  /// bounds.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  [[nodiscard]] double unit();
  [[nodiscard]] bool chance(double probability) { return unit() < probability; }
  /// Uniform in [0, limit).
  [[nodiscard]] Duration below(Duration limit);
  /// A generator whose stream is independent of later draws from this one.
  [[nodiscard]] Random split() { return Random{next()}; }

  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(std::uint64_t{i})]);
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace coterie
