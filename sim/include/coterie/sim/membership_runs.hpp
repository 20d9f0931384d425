/// The membership rows of the project's goals, on simulated members: how soon a death is noticed
/// and known, how soon everybody sees everybody after a start, how soon an event reaches all.
/// Shared by `coterie sim ...` and the tests. Thread-safety: pure functions of their arguments.
#pragma once

#include <cstdint>

#include "coterie/sim/figure.hpp"

namespace coterie::sim {

struct ExperimentOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 5;
};

/// One member is killed: first suspicion in protocol periods, first death, everybody knows; and an
/// hour at 20 % loss without a false death.
[[nodiscard]] Figures run_detection(const std::vector<std::size_t>& sizes,
                                    const ExperimentOptions& options);
/// Everybody starts at once and joins the same seed.
[[nodiscard]] Figures run_bootstrap(const std::vector<std::size_t>& sizes,
                                    const ExperimentOptions& options);
/// A user event reaches 99.99 % of all, with and without loss.
[[nodiscard]] Figures run_dissemination(const std::vector<std::size_t>& sizes,
                                        const ExperimentOptions& options);
/// One member in a hundred has a bad network, as in Rapid's experiments (Suresh and others, ATC
/// 2018, section 7): when each of them is out in every view, and what else happened.
[[nodiscard]] Figures run_rapid_faults(const std::vector<std::size_t>& sizes,
                                       const ExperimentOptions& options);
/// How many probes of a living peer come too late for a time-out that was fitted by each of four
/// distributions to give one in a thousand, on four networks.
[[nodiscard]] Figures run_phi(const ExperimentOptions& options);

}  // namespace coterie::sim
