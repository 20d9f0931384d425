/// How long this thread was ready to run and did not: the kernel's run-queue delay of the thread
/// and the processor time that a hypervisor took (man 5 proc: /proc/PID/schedstat; "steal" in
/// /proc/stat). Where the kernel tells neither, nothing. Thread-safety: the measured thread.
#pragma once

#include <optional>

#include "coterie/core/time.hpp"

namespace coterie {

inline constexpr Duration pressure_interval = 1s;

class HostPressure {
 public:
  struct Sample {
    Duration waited{};
    Duration over{};
  };
  /// At most once in pressure_interval.
  [[nodiscard]] std::optional<Sample> sample(Instant now);

 private:
  Instant last_ = never;
  Duration waited_{};  ///< since the thread and the machine began
};

}  // namespace coterie
