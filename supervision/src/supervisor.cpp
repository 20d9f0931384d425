#include "coterie/supervision/supervisor.hpp"

#include <algorithm>

namespace coterie::supervision {

Supervisor::Supervisor(SupervisorConfig config, std::vector<std::string> children, Random random)
    : config_(config), intensity_(config.intensity), backoff_(config.backoff), random_(random) {
  for (auto& name : children) children_.push_back({std::move(name), never});
}

SupervisorEffects Supervisor::child_failed(const std::string& child, const std::string& reason,
                                           Instant now) {
  SupervisorEffects out;
  const auto failed = std::find_if(children_.begin(), children_.end(),
                                   [&](const Child& c) { return c.name == child; });
  if (failed == children_.end()) return out;
  if (!intensity_.allow(now)) {
    out.emplace_back(Escalate{child, reason});
    return out;
  }
  const auto start_at = now + backoff_.next(random_);
  for (auto it = children_.begin(); it != children_.end(); ++it) {
    const bool affected = it == failed || config_.strategy == Strategy::one_for_all ||
                          (config_.strategy == Strategy::rest_for_one && it > failed);
    if (!affected) continue;
    if (it != failed && it->start_at == never) out.emplace_back(StopChild{it->name});
    it->start_at = start_at;
  }
  return out;
}

SupervisorEffects Supervisor::tick(Instant now) {
  SupervisorEffects out;
  for (auto& child : children_) {
    if (child.start_at > now) continue;
    child.start_at = never;
    ++restarts_;
    out.emplace_back(StartChild{child.name});
  }
  return out;
}

Instant Supervisor::next_deadline() const {
  auto at = never;
  for (const auto& child : children_) at = earliest(at, child.start_at);
  return at;
}

}  // namespace coterie::supervision
