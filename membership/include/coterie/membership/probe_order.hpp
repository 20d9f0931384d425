/// Round-robin over a shuffled list, each newcomer inserted at a random place: every member is
/// probed once per round, so the worst case is 2N-1 periods. Source: SWIM section 4.3.
/// Thread-safety: a value; one owner.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/random.hpp"

namespace coterie::membership {

class ProbeOrder {
 public:
  void insert(const std::string& name, Random& random);
  void erase(const std::string& name);
  /// The next name for which `eligible` answers true; shuffles on wrap. nullopt if there is none.
  [[nodiscard]] std::optional<std::string> next(
      Random& random, const std::function<bool(const std::string&)>& eligible);

 private:
  std::vector<std::string> names_{};
  std::size_t at_ = 0;
};

}  // namespace coterie::membership
