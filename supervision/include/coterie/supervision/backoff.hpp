/// Exponential back-off with a bound and jitter. Thread-safety: a value; one owner.
#pragma once

#include "coterie/core/random.hpp"

namespace coterie::supervision {

struct BackoffConfig {
  Duration first = 50ms;  ///< pause after the first failure
  Duration limit = 2s;    ///< the pause doubles up to here
};

class Backoff {
 public:
  explicit Backoff(BackoffConfig config) : config_(config) {}
  /// The pause before the next try, with up to a quarter of jitter so that peers do not retry in
  /// step.
  [[nodiscard]] Duration next(Random& random);
  void reset() { failures_ = 0; }
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

 private:
  BackoffConfig config_;
  std::uint32_t failures_ = 0;
};

}  // namespace coterie::supervision
