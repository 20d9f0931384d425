#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "coterie/core/random.hpp"
#include "coterie/membership/phi.hpp"
#include "coterie/sim/membership_runs.hpp"

namespace coterie::sim {
namespace {

constexpr std::size_t fitted = 200;      // round trips that a fit sees
constexpr std::size_t judged = 200'000;  // round trips that are judged by it

/// A normal deviate: Box and Muller.
double normal(Random& random) {
  const double u = std::max(1e-12, random.unit());
  return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * random.unit());
}

struct Latencies {
  std::string name{};
  std::function<double(Random&)> round_trip{};  ///< seconds
};

std::vector<Latencies> latencies() {
  return {{"LAN, 0.3 ms, light tail", [](Random& r) { return 3e-4 * std::exp(0.3 * normal(r)); }},
          {"LAN, one in 100 waits for a scheduler",
           [](Random& r) {
             return 3e-4 * std::exp(0.3 * normal(r)) + (r.chance(0.01) ? 0.02 * r.unit() : 0);
           }},
          {"WAN, 150 ms, jitter 5 ms", [](Random& r) { return 0.15 + 5e-3 * std::abs(normal(r)); }},
          {"WAN, 150 ms, heavy tail",
           [](Random& r) { return 0.15 + 0.01 / std::pow(std::max(1e-6, r.unit()), 0.5); }}};
}

constexpr std::array<const char*, 4> distributions{"normal", "exponential", "log-normal",
                                                   "log-Laplace (ours)"};

/// The time-out that each fit takes for one late answer in a thousand.
std::array<double, 4> time_outs(const std::vector<double>& seen) {
  const auto n = static_cast<double>(seen.size());
  double mean = 0, log_mean = 0, square = 0, log_square = 0;
  for (const auto x : seen) mean += x / n, log_mean += std::log(x) / n;
  for (const auto x : seen) {
    square += (x - mean) * (x - mean) / n;
    log_square += (std::log(x) - log_mean) * (std::log(x) - log_mean) / n;
  }
  constexpr double z = 3.09;  // P(Z > z) = 1e-3
  membership::PhiDetector phi;
  Instant now{1'000'000'000};
  for (const auto x : seen) {
    phi.asked(now);
    phi.answered(now + Duration{static_cast<std::int64_t>(x * 1e9)});
    now = now + 1s;
  }
  const auto ours = phi.timeout(500ms, 1us, 3600s);
  return {mean + z * std::sqrt(square), -mean * std::log(membership::late_answer),
          std::exp(log_mean + z * std::sqrt(log_square)), in_seconds(ours)};
}

}  // namespace

Figures run_phi(const ExperimentOptions& options) {
  Figures out;
  for (const auto& network : latencies()) {
    std::array<double, 4> late{}, waits{};
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      Random random(options.first_seed + run);
      std::vector<double> seen;
      for (std::size_t i = 0; i < fitted; ++i) seen.push_back(network.round_trip(random));
      const auto limits = time_outs(seen);
      for (std::size_t i = 0; i < judged; ++i) {
        const double x = network.round_trip(random);
        for (std::size_t d = 0; d < late.size(); ++d) late[d] += x > limits[d] ? 1 : 0;
      }
      for (std::size_t d = 0; d < waits.size(); ++d)
        waits[d] += limits[d] / static_cast<double>(options.runs);
    }
    const auto all = static_cast<double>(judged * options.runs);
    for (std::size_t d = 0; d < distributions.size(); ++d) {
      out.push_back(
          {network.name + ": late, " + distributions[d], 1000 * late[d] / all, "in 1,000", 0, ""});
      out.push_back(
          {network.name + ": time-out, " + distributions[d], 1000 * waits[d], "ms", 0, ""});
    }
  }
  return out;
}

}  // namespace coterie::sim
