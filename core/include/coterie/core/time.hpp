/// Time as a value. Cores never read a clock: they are told `now`, an instant on the node's
/// monotonic time line, which the shell reads after the input was taken from its socket or mailbox
/// (docs/ARCHITECTURE.md, "The shape of a core"). Thread-safety: value types.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace coterie {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// For formulas and figures; deadlines stay whole nanoseconds.
[[nodiscard]] constexpr double in_seconds(Duration span) {
  return static_cast<double>(span.count()) / 1e9;
}

/// Nanoseconds since an arbitrary origin. Comparable within one process life only.
struct Instant {
  std::int64_t nanos{};

  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  friend constexpr Instant operator+(Instant a, Duration d) { return {a.nanos + d.count()}; }
  friend constexpr Instant operator-(Instant a, Duration d) { return {a.nanos - d.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration{a.nanos - b.nanos}; }
};

/// Later than every deadline: "tick() has no work".
inline constexpr Instant never{INT64_MAX};

[[nodiscard]] constexpr Instant earliest(Instant a, Instant b) { return a < b ? a : b; }

}  // namespace coterie
