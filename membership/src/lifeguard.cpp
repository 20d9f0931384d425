#include "coterie/membership/lifeguard.hpp"

#include <algorithm>
#include <cmath>

namespace coterie::membership {

void LocalHealth::add(int delta) {
  const auto changed = static_cast<std::int64_t>(score_) + delta;
  score_ = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(changed, 0, std::max<std::int64_t>(0, std::int64_t{max_} - 1)));
}

Suspicion::Suspicion(const std::string& accuser, std::uint32_t confirmations, Duration min,
                     Duration max, Instant now)
    : wanted_(confirmations), min_(min), max_(max), began_(now), accusers_{accuser} {
  timeout_ = timeout();
}

bool Suspicion::confirm(const std::string& accuser) {
  if (accusers_.size() > wanted_) return false;  // it cannot become shorter
  if (!accusers_.insert(accuser).second) return false;
  timeout_ = std::min(timeout_, timeout());
  return true;
}

Duration Suspicion::timeout() const {
  if (wanted_ == 0) return min_;
  const auto confirmed = static_cast<double>(accusers_.size() - 1);
  const double fraction = std::log(confirmed + 1) / std::log(static_cast<double>(wanted_) + 1);
  const auto span = static_cast<double>((max_ - min_).count()) * fraction;
  const auto shorter = max_ - Duration{static_cast<std::int64_t>(span)};
  return std::max(min_, shorter / 1'000'000 * 1'000'000);  // whole milliseconds
}

}  // namespace coterie::membership
