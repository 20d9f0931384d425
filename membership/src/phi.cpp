#include "coterie/membership/phi.hpp"

#include <algorithm>
#include <cmath>

namespace coterie::membership {
namespace {

constexpr float weight = 1.0f / 16;       // of one round trip in the moving averages
constexpr float loss_weight = 1.0f / 32;  // of one probe
constexpr float min_scale = 0.1f;  // a scheduler alone moves a round trip by a tenth of itself
constexpr float min_loss = 0.001f;
constexpr float max_loss = 0.5f;

double seconds(Duration span) { return static_cast<double>(span.count()) / 1e9; }

}  // namespace

void PhiDetector::answered(Instant now) {
  if (asked_at_ != never) {
    const auto x = static_cast<float>(std::log(std::max(1e-6, seconds(now - asked_at_))));
    if (round_trips_ == 0) {
      location_ = x;
      scale_ = 0.5f;  // wide until more is known
    }
    // A plain mean at first, then a moving one.
    const float w = std::max(weight, 1.0f / static_cast<float>(round_trips_ + 1));
    scale_ += w * (std::abs(x - location_) - scale_);
    location_ += w * (x - location_);
    ++round_trips_;
  }
  heard();
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

double PhiDetector::late(Duration span) const {
  const double x = (std::log(std::max(1e-6, seconds(span))) - static_cast<double>(location_)) /
                   static_cast<double>(std::max(scale_, min_scale));
  return x < 0 ? 1 - 0.5 * std::exp(x) : 0.5 * std::exp(-x);
}

double PhiDetector::phi(Instant now) const {
  const double loss = static_cast<double>(loss_);
  double phi = -std::log10(loss) * misses_;
  if (asked_at_ != never && now > asked_at_ && round_trips_ >= min_round_trips)
    phi -= std::log10(loss + (1 - loss) * late(now - asked_at_));
  return std::min(phi, max_phi);
}

Duration PhiDetector::timeout(Duration fallback, Duration min, Duration max) const {
  if (round_trips_ < min_round_trips) return std::clamp(fallback, min, max);
  const double span =
      std::exp(static_cast<double>(location_) +
               static_cast<double>(std::max(scale_, min_scale)) * std::log(0.5 / late_answer));
  const auto bounded = std::min(span, seconds(max));
  return std::clamp(Duration{static_cast<std::int64_t>(bounded * 1e9)}, min, max);
}

}  // namespace coterie::membership
