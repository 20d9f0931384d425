/// How soon a pool is one again after a split: nobody declared dead stays so. Shared by `coterie
/// sim heal` and the tests. Thread-safety: a pure function of its arguments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/time.hpp"

namespace coterie::sim {

struct HealCase {
  std::string name{};
  std::size_t nodes = 32;
  std::size_t first_group = 16;  ///< members on one side
  Duration split = 600s;
};
/// halves, one isolated, everyone isolated, an hour.
[[nodiscard]] const std::vector<HealCase>& heal_cases();

struct HealResult {
  bool noticed = false;  ///< somebody was declared dead: the split had an effect
  std::optional<double>
      healed_s{};  ///< from the repair until all see all alive; none: not in 10 min
};
[[nodiscard]] HealResult run_heal(const HealCase& which, std::uint64_t seed);

}  // namespace coterie::sim
