#include "coterie/sim/lifeguard_run.hpp"

#include <algorithm>
#include <cmath>

#include "coterie/sim/pool.hpp"

namespace coterie::sim {
namespace {

constexpr Duration quiesce = 15s;
constexpr Duration measured = 120s;

const std::vector<std::size_t> stopped_counts{1, 4, 8, 12, 16, 20, 24, 28, 32};
const std::vector<Duration> lengths{128ms, 512ms, 2048ms, 8192ms, 16384ms, 32768ms};
const std::vector<Duration> pauses{1ms, 4ms, 16ms, 64ms, 256ms, 1024ms, 4096ms, 16384ms};

struct Cell {
  std::size_t stopped = 1;
  Duration on{};
  Duration off{};  ///< zero: the threshold experiment, one stop
};

std::vector<Cell> grid(bool quick) {
  if (quick) return {{8, 16384ms, 64ms}, {8, 32768ms, 0ms}};
  std::vector<Cell> cells;
  for (const auto stopped : stopped_counts)
    for (const auto on : lengths) {
      cells.push_back({stopped, on, 0ms});
      for (const auto off : pauses) cells.push_back({stopped, on, off});
    }
  return cells;
}

/// One run of one cell; adds to `row` and to the latencies.
class Run {
 public:
  Run(const Cell& cell, const LifeguardOptions& options, std::uint64_t seed, LifeguardRow& row,
      std::vector<double>& latencies)
      : cell_(cell),
        pool_({.nodes = options.nodes, .seed = seed, .swim = lifeguard_config(row.mode)}),
        row_(row),
        latencies_(latencies),
        detected_(options.nodes, false) {}

  void go() {
    pool_.run_until(pool_.now() + quiesce);
    const auto messages = pool_.messages();
    const auto bytes = pool_.bytes();
    const auto began = pool_.now();
    // Members are alike: the first ones are as random as any.
    pool_.on_death = [this, began](std::size_t observer, std::size_t about) {
      count(observer, about, began);
    };
    while (pool_.now() < began + measured) {
      for (std::size_t i = 0; i < cell_.stopped; ++i) pool_.block(i, pool_.now() + cell_.on);
      pool_.run_until(pool_.now() + cell_.on);
      if (cell_.off == Duration{}) {
        pool_.run_until(began + measured);
        break;
      }
      pool_.run_until(pool_.now() + cell_.off);
    }
    if (cell_.off == Duration{}) return;  // load and false positives are the interval experiment's
    row_.messages += pool_.messages() - messages;
    row_.bytes += pool_.bytes() - bytes;
  }

 private:
  void count(std::size_t observer, std::size_t about, Instant began) {
    const bool interval = cell_.off != Duration{};
    if (about >= cell_.stopped) {
      if (!interval) return;
      ++row_.false_positives;
      if (observer >= cell_.stopped) ++row_.false_positives_healthy;
    } else if (!interval && observer >= cell_.stopped && !detected_[about]) {
      detected_[about] = true;
      latencies_.push_back(in_seconds(pool_.now() - began));
    }
  }

  Cell cell_;
  Pool pool_;
  LifeguardRow& row_;
  std::vector<double>& latencies_;
  std::vector<bool> detected_;
};

double at_quantile(const std::vector<double>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const auto last = sorted.size() - 1;
  const auto at = static_cast<std::size_t>(std::lround(quantile * static_cast<double>(last)));
  return sorted[std::min(last, at)];
}

}  // namespace

const std::vector<std::string>& lifeguard_modes() {
  static const std::vector<std::string> modes{"swim",  "lha-probe", "lha-suspicion",
                                              "buddy", "lifeguard", "coterie"};
  return modes;
}

membership::SwimConfig lifeguard_config(const std::string& mode) {
  membership::SwimConfig config;
  config.suspicion_mult = 5;
  config.packet.rules.compress = false;  // it changes bytes, not messages, and costs most of a run
  auto& guard = config.lifeguard;
  const bool all = mode == "lifeguard" || mode == "coterie";
  guard.probe = all || mode == "lha-probe";
  guard.suspicion = all || mode == "lha-suspicion";
  guard.buddy = all || mode == "buddy";
  guard.pauses = guard.phi = guard.jury = mode == "coterie";
  guard.self_test = guard.last_word = mode == "coterie";
  guard.confirmations = 3;
  guard.suspicion_max_mult = 6;
  return config;
}

LifeguardRow run_lifeguard(const std::string& mode, const LifeguardOptions& options,
                           const std::function<void(double)>& progress) {
  const auto cells = grid(options.quick);
  const auto whole = static_cast<double>(cells.size() * options.runs);
  LifeguardRow row{.mode = mode};
  std::vector<double> latencies;
  double done = 0;
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      // The same seed in every mode: only the mode differs.
      Run(cells[i], options, options.first_seed + run * cells.size() + i, row, latencies).go();
      progress(++done / whole);
    }
  std::sort(latencies.begin(), latencies.end());
  row.first_median_s = at_quantile(latencies, 0.5);
  row.first_p99_s = at_quantile(latencies, 0.99);
  row.first_p999_s = at_quantile(latencies, 0.999);
  return row;
}

}  // namespace coterie::sim
