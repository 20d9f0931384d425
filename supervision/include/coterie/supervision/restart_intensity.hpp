/// Restart intensity as OTP's supervisors have it: more than `restarts` within `period` is too
/// many, and the supervisor escalates instead of restarting. Source: Erlang/OTP design principles,
/// "Supervisor Behaviour", maximum restart intensity. Thread-safety: a value; one owner.
#pragma once

#include <deque>

#include "coterie/core/time.hpp"

namespace coterie::supervision {

struct IntensityConfig {
  std::uint32_t restarts = 5;  ///< allowed within `period`; 0 = never restart
  Duration period = 10s;
};

class RestartIntensity {
 public:
  explicit RestartIntensity(IntensityConfig config) : config_(config) {}
  /// Counts a failure; true if a restart is allowed, false if the intensity is exceeded.
  [[nodiscard]] bool allow(Instant now);

 private:
  IntensityConfig config_;
  std::deque<Instant> recent_{};  ///< at most restarts + 1 instants
};

}  // namespace coterie::supervision
