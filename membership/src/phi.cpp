#include "coterie/membership/phi.hpp"

#include <algorithm>
#include <cmath>

namespace coterie::membership {
namespace {

constexpr float weight = 1.0f / 16;       // of one round trip in the moving averages
constexpr float loss_weight = 1.0f / 32;  // of one probe
constexpr float min_scale = 0.1f;  // a scheduler alone moves a round trip by a tenth of itself
// A beat is late by a scheduler on either side.
constexpr float min_beat_scale = 0.2f;
constexpr float min_loss = 0.001f;
constexpr float max_loss = 0.5f;

}  // namespace

void PhiDetector::Fit::add(Duration span) {
  const auto x = static_cast<float>(std::log(std::max(1e-6, in_seconds(span))));
  if (count == 0) {
    location = x;
    scale = 0.5f;  // wide until more is known
  }
  // A plain mean at first, then a moving one.
  const float w = std::max(weight, 1.0f / static_cast<float>(count + 1));
  scale += w * (std::abs(x - location) - scale);
  location += w * (x - location);
  ++count;
}

double PhiDetector::Fit::longer(Duration span, float least) const {
  const double x = (std::log(std::max(1e-6, in_seconds(span))) - static_cast<double>(location)) /
                   static_cast<double>(std::max(scale, least));
  return x < 0 ? 1 - 0.5 * std::exp(x) : 0.5 * std::exp(-x);
}

void PhiDetector::answered(Instant now) {
  if (asked_at_ != never) trips_.add(now - asked_at_);
  heard();
}

void PhiDetector::beat(Instant now) {
  if (beat_at_ != never) beats_.add(now - beat_at_);
  beat_at_ = now;
}

void PhiDetector::postpone(Duration span) {
  if (asked_at_ != never) asked_at_ = asked_at_ + span;
  if (beat_at_ != never) beat_at_ = beat_at_ + span;
}

void PhiDetector::heard() {
  end_silence();
  loss_ = std::max(min_loss, loss_ - loss_weight * loss_);
  asked_at_ = never;
}

/// The loss is learned only now: while a silence lasts it must not explain itself away.
void PhiDetector::end_silence() {
  for (; misses_ > 0; --misses_) loss_ = std::min(max_loss, loss_ + loss_weight * (1 - loss_));
}

void PhiDetector::missed() {
  misses_ = std::min(misses_ + 1, 1000u);  // more is beyond max_phi
  asked_at_ = never;
}

double PhiDetector::phi(Instant now) const {
  const double loss = static_cast<double>(loss_);
  double phi = -std::log10(loss) * misses_;
  if (asked_at_ != never && now > asked_at_ && trips_.count >= min_round_trips)
    phi -= std::log10(loss + (1 - loss) * trips_.longer(now - asked_at_, min_scale));
  if (beat_at_ != never && now > beat_at_ && beats_.count >= min_round_trips)
    phi -= std::log10(std::max(1e-300, beats_.longer(now - beat_at_, min_beat_scale)));
  return std::min(phi, max_phi);
}

Duration PhiDetector::timeout(Duration fallback, Duration min, Duration max) const {
  if (trips_.count < min_round_trips) return std::clamp(fallback, min, max);
  const double span = std::exp(static_cast<double>(trips_.location) +
                               static_cast<double>(std::max(trips_.scale, min_scale)) *
                                   std::log(0.5 / late_answer));
  const auto bounded = std::min(span, in_seconds(max));
  return std::clamp(Duration{static_cast<std::int64_t>(bounded * 1e9)}, min, max);
}

}  // namespace coterie::membership
