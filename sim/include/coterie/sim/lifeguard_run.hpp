/// Lifeguard's two experiments (arXiv 1707.00788, section V) on simulated members: how many healthy
/// members are declared dead while others stop and go, and how soon a stopped one is. Shared by
/// `coterie sim lifeguard` and the tests. Thread-safety: pure functions of their arguments.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coterie/membership/swim_config.hpp"

namespace coterie::sim {

/// swim, lha-probe, lha-suspicion, buddy, lifeguard, coterie.
[[nodiscard]] const std::vector<std::string>& lifeguard_modes();
/// The configuration of one mode: alpha 5, beta 6, K 3, as in the paper's tables IV to VI.
[[nodiscard]] membership::SwimConfig lifeguard_config(const std::string& mode);

struct LifeguardRow {
  std::string mode{};
  std::uint64_t false_positives{};          ///< deaths of members that never stopped
  std::uint64_t false_positives_healthy{};  ///< of these, declared by members that never stopped
  double first_median_s{}, first_p99_s{}, first_p999_s{};  ///< from the stop to the first death
  std::uint64_t messages{}, bytes{};
};

struct LifeguardOptions {
  std::size_t nodes = 128;
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 1;  ///< for each cell of the grid
  bool quick = false;      ///< a corner of the grid, for tests
};

/// `progress` is told how much of this mode is done, from 0 to 1.
[[nodiscard]] LifeguardRow run_lifeguard(const std::string& mode, const LifeguardOptions& options,
                                         const std::function<void(double)>& progress);

}  // namespace coterie::sim
