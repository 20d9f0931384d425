#include <algorithm>

#include "coterie/membership/swim.hpp"

namespace coterie::membership {
namespace {

/// Later than due by less is what a loaded scheduler does all the time.
constexpr Duration tolerated_lag = 100ms;
/// One part in so many without the processor is what a shared machine does all the time.
constexpr std::int64_t tolerated_share = 5;

}  // namespace

/// A member that was stopped, swapped out or starved heard nothing meanwhile: what it missed says
/// nothing about the others. Everything that judges them waits for the span of our own pause, and
/// our health is worse by it. (Cassandra has a maximum local pause; Lifeguard notices only through
/// failed probes.)
void Swim::notice_pause(Instant now, SwimEffects& out) {
  const auto due = std::max(next_deadline(), std::exchange(called_, now));
  if (!config_.lifeguard.pauses || now - due <= tolerated_lag) return;
  const auto pause = now - due;
  ++counters_.pauses;
  if (pause >= config_.probe_interval) paused_at_ = now;
  answered_at_ = answered_at_ + pause;
  self_test_.postpone(pause);
  health_.add(static_cast<int>(
      std::min<std::int64_t>(1 + pause / config_.probe_interval, config_.lifeguard.max_health)));
  for (auto& [name, suspected] : suspicions_) suspected.suspicion.postpone(pause);
  for (auto& [slot, phi] : phis_) phi.postpone(pause);
  hearing_.reset();  // whom we would convict had no time to answer us
  if (probe_) {
    probe_->indirect_at = probe_->indirect_at + pause;
    probe_->ends_at = probe_->ends_at + pause;
  }
  for (auto& [id, stream] : streams_) stream.expires = stream.expires + pause;
  if (pause >= config_.probe_interval)
    out.emplace_back(LogEvent{LogLevel::warning, "this process was paused for " +
                                                     std::to_string(pause / 1ms) +
                                                     " ms: nobody is judged for that time"});
}

SwimEffects Swim::starved(Duration waited, Duration over, Instant now) {
  SwimEffects out;
  notice_pause(now, out);
  if (!config_.lifeguard.pauses || over <= Duration{0} || waited * tolerated_share < over)
    return out;
  ++counters_.starved;
  health_.add(1);
  return out;
}

Suspicion Swim::new_suspicion(const std::string& accuser, Instant now) const {
  const auto& guard = config_.lifeguard;
  const auto known = present();
  const auto min = suspicion_timeout(config_, known);
  if (!guard.suspicion) return {accuser, 0, min, min, now};
  auto wanted =
      guard.confirmations != 0 ? guard.confirmations : std::max(config_.suspicion_mult, 2u) - 2;
  if (known < 2 + std::size_t{wanted}) wanted = 0;  // so many others are not there
  return {accuser, wanted, min, min * guard.suspicion_max_mult, now};
}

}  // namespace coterie::membership
