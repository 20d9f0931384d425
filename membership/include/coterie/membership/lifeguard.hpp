/// Lifeguard: a detector that doubts itself (Dadgar, Phillips, Currey, arXiv 1707.00788), and a
/// step beyond it, the detector's own pauses. Deviations of memberlist's code from the paper are
/// not copied: the probe time-out is scaled by the local health, and a nack comes at 80 % of it.
/// Thread-safety: values; one owner.
#pragma once

#include <algorithm>
#include <set>
#include <string>

#include "coterie/core/time.hpp"

namespace coterie::membership {

struct LifeguardConfig {
  bool probe = true;      ///< LHA-Probe: a member in ill health probes more slowly
  bool suspicion = true;  ///< LHA-Suspicion: time-outs start long, confirmations shorten them
  bool buddy = true;      ///< a suspect hears of it with its next ping
  bool pauses = true;     ///< beyond the paper: nobody is judged for the span of our own pause
  bool phi = true;   ///< beyond the paper: a peer's own round trips set how long it is awaited, and
                     ///< a probe that every helper gave up ends at once
  bool jury = true;  ///< beyond the paper: a suspicion that others confirm when asked ends sooner
  bool last_word = true;     ///< beyond the paper: a suspect is asked once more before it is dead
  bool self_test = true;     ///< beyond the paper: who is accused by many asks whether it is itself
                             ///< at fault (self_test.hpp)
  Duration probation = 30s;  ///< well for so long, a member that stepped down comes back
  std::uint32_t max_health = 8;          ///< S: the health multiplier stays below 1 + S
  std::uint32_t suspicion_max_mult = 6;  ///< beta: longest suspicion, in shortest ones
  std::uint32_t confirmations = 0;       ///< K; 0 = suspicion_mult - 2, as memberlist has it
};

/// The local health multiplier: 0 is well. Section IV-A.
class LocalHealth {
 public:
  explicit LocalHealth(std::uint32_t max) : max_(max) {}
  void add(int delta);
  [[nodiscard]] std::uint32_t score() const { return score_; }
  [[nodiscard]] Duration scale(Duration span) const { return span * (score_ + 1); }

 private:
  std::uint32_t max_;  ///< exclusive
  std::uint32_t score_ = 0;
};

/// One suspicion and what confirms it. Section IV-B: the time-out starts at `max` and falls with
/// the logarithm of independent confirmations to `min`.
class Suspicion {
 public:
  Suspicion(const std::string& accuser, std::uint32_t confirmations, Duration min, Duration max,
            Instant now);
  /// True if it was news: then it is worth gossiping.
  [[nodiscard]] bool confirm(const std::string& accuser);
  [[nodiscard]] Instant expires() const { return began_ + timeout_; }
  /// Enough others tried and failed: the time to refute is `least` at most. For this observer
  /// alone.
  void convict(Duration least) { timeout_ = std::min(timeout_, least); }
  /// Our own pause does not count.
  void postpone(Duration span) { began_ = began_ + span; }

 private:
  [[nodiscard]] Duration timeout() const;

  std::uint32_t wanted_;
  Duration min_;
  Duration max_;
  Instant began_;
  std::set<std::string> accusers_{};
  Duration timeout_{};
};

}  // namespace coterie::membership
