#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "commands.hpp"
#include "coterie/sim/lifeguard_run.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

/// On a terminal alone, so that a log holds results only.
class Progress {
 public:
  explicit Progress(std::size_t parts) : done_(parts, 0) {}
  void operator()(std::size_t part, double done) {
    const std::lock_guard lock(mutex_);
    done_[part] = done;
    const double all = std::accumulate(done_.begin(), done_.end(), 0.0);
    const int percent = static_cast<int>(100 * all / static_cast<double>(done_.size()));
    if (percent == shown_ || isatty(STDERR_FILENO) == 0) return;
    shown_ = percent;
    std::string bar(static_cast<std::size_t>(percent) / 2, '#');
    bar.resize(50, '.');
    std::fprintf(stderr, "\r[%s] %3d %%%s", bar.c_str(), percent, percent == 100 ? "\n" : "");
  }

 private:
  std::mutex mutex_{};
  std::vector<double> done_;
  int shown_ = -1;
};

/// Modes are independent: as many at once as there are cores.
std::vector<sim::LifeguardRow> run_modes(const sim::LifeguardOptions& options) {
  const auto& modes = sim::lifeguard_modes();
  std::vector<sim::LifeguardRow> rows(modes.size());
  Progress progress(modes.size());
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&] {
      for (auto mode = next++; mode < modes.size(); mode = next++)
        rows[mode] =
            sim::run_lifeguard(modes[mode], options, [&](double done) { progress(mode, done); });
    });
  for (auto& thread : threads) thread.join();
  return rows;
}

std::string percent_of(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f",
                100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

std::string seconds(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

}  // namespace

int run_sim_lifeguard(const LifeguardSimOptions& options) {
  const auto rows = run_modes({.nodes = options.nodes,
                               .first_seed = options.first_seed,
                               .runs = options.runs,
                               .quick = options.quick});
  if (options.output == "json") {
    auto out = nlohmann::json::array();
    for (const auto& r : rows)
      out.push_back({{"mode", r.mode},
                     {"false_positives", r.false_positives},
                     {"false_positives_healthy", r.false_positives_healthy},
                     {"first_median_s", r.first_median_s},
                     {"first_p99_s", r.first_p99_s},
                     {"first_p999_s", r.first_p999_s},
                     {"messages", r.messages},
                     {"bytes", r.bytes}});
    std::printf("%s\n", out.dump().c_str());
    return 0;
  }
  std::vector<std::vector<std::string>> table{{"MODE", "FP", "% OF SWIM", "FP HEALTHY", "% OF SWIM",
                                               "FIRST s", "99 %", "99.9 %", "MESSAGES", "BYTES"}};
  const auto& swim = rows.front();
  for (const auto& r : rows)
    table.push_back({r.mode, std::to_string(r.false_positives),
                     percent_of(r.false_positives, swim.false_positives),
                     std::to_string(r.false_positives_healthy),
                     percent_of(r.false_positives_healthy, swim.false_positives_healthy),
                     seconds(r.first_median_s), seconds(r.first_p99_s), seconds(r.first_p999_s),
                     percent_of(r.messages, swim.messages) + " %",
                     percent_of(r.bytes, swim.bytes) + " %"});
  std::printf("%s", format_table(table).c_str());
  std::printf(
      "goal: coterie <= 1.53 %% and <= 1.89 %% of swim, median first <= 12.45 s, 99.9 %% <= 21.2 "
      "s\n");
  return 0;
}

}  // namespace coterie::tools
