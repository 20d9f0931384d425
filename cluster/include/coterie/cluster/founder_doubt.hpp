/// Whether a node that formed a cluster in this start should have joined another one: the first
/// node of a cluster that lost its data directory, and starts as it did the first time, forms a
/// second cluster before it hears of the others. Thread-safety: a value; one owner.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"

namespace coterie::cluster {

/// Another node's heal reaches it within 90 s.
inline constexpr Duration founder_doubt = 180s;
/// Whoever is of another cluster in one life for so long is right: longer than the pool takes to
/// find out that a process ended, which one that was misled does at once.
inline constexpr Duration founder_patience = 20s;

class FounderDoubt {
 public:
  void founded(Instant now) { until_ = now + founder_doubt; }
  /// It has company: there is nothing to doubt.
  void settle() { until_ = Instant{INT64_MIN}; }
  [[nodiscard]] bool doubts(Instant now) const { return now < until_; }
  void gone(const std::string& member) { elsewhere_.erase(member); }
  /// A member of another cluster is there. True: that is the one to join.
  bool is_elsewhere(const std::string& member, StartId life, Instant now) {
    auto& [known, since] = elsewhere_.try_emplace(member, life, now).first->second;
    if (known != life) known = life, since = now;
    return now - since >= founder_patience;
  }

 private:
  Instant until_{INT64_MIN};
  std::map<std::string, std::pair<StartId, Instant>> elsewhere_{};  ///< of the pool's members
};

}  // namespace coterie::cluster
