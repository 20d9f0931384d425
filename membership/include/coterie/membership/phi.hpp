/// Phi accrual for probes: how unlikely a peer's silence is if it lives, as phi = -log10 P. After
/// Hayashibara, Defago, Yared, Katayama (SRDS 2004), with probes instead of heartbeats: a round
/// trip has a log-Laplace distribution, a whole probe is lost with a probability learned per peer
/// (docs/adr/0004). It also says how long a probe of this peer should wait, so that one
/// configuration serves LAN and WAN. Heartbeats on a link, where there is one, are a second
/// witness.
///
/// Invariants: phi is finite, zero for a peer that just answered, and never falls while the peer is
/// silent. Thread-safety: a value; one owner.
#pragma once

#include <cstdint>

#include "coterie/core/time.hpp"

namespace coterie::membership {

/// Beyond it nothing is told apart; also where JSON and metrics stay readable.
inline constexpr double max_phi = 300;
/// Round trips before the fit is trusted.
inline constexpr std::uint32_t min_round_trips = 8;
/// A probe waits until a live peer would have answered with this certainty.
inline constexpr double late_answer = 1e-3;

class PhiDetector {
 public:
  /// The probe that was asked at `now`.
  void asked(Instant now) { asked_at_ = now; }
  /// It was answered directly.
  void answered(Instant now);
  /// It was answered, but nobody knows after which time: by way of others, or by stream.
  void heard();
  /// It ended without an answer.
  void missed();
  /// A heartbeat arrived by itself; the intervals between them are fitted as round trips are.
  void beat(Instant now);
  /// No more will: their absence says nothing from now on.
  void beats_ended() { beat_at_ = never; }
  /// Our own pause does not count.
  void postpone(Duration span);
  [[nodiscard]] double phi(Instant now) const;
  /// How long a probe waits before it asks others: `fallback` until the fit is trusted.
  [[nodiscard]] Duration timeout(Duration fallback, Duration min, Duration max) const;
  [[nodiscard]] std::uint32_t round_trips() const { return trips_.count; }

 private:
  /// A log-Laplace distribution, fitted by moving averages.
  struct Fit {
    float location = 0;  ///< of the natural logarithm of the span in seconds
    float scale = 0;     ///< mean absolute deviation from it
    std::uint32_t count = 0;
    void add(Duration span);
    /// P(a span is longer than this).
    [[nodiscard]] double longer(Duration span, float min_scale) const;
  };
  void end_silence();

  Fit trips_{}, beats_{};
  float loss_ = 0.01f;  ///< P(a whole probe of a live peer fails); learned when a silence ends
  std::uint32_t misses_ = 0;  ///< probes in a row without an answer
  Instant asked_at_ = never;  ///< of the probe under way
  Instant beat_at_ = never;   ///< of the last heartbeat
};

}  // namespace coterie::membership
