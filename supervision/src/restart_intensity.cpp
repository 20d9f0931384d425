#include "coterie/supervision/restart_intensity.hpp"

namespace coterie::supervision {

bool RestartIntensity::allow(Instant now) {
  while (!recent_.empty() && now - recent_.front() >= config_.period) recent_.pop_front();
  recent_.push_back(now);
  if (recent_.size() <= config_.restarts) return true;
  recent_.pop_front();
  return false;
}

}  // namespace coterie::supervision
