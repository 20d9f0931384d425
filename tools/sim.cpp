#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "coterie/sim/ledger_run.hpp"
#include "coterie/sim/shrink.hpp"

namespace coterie::tools {
namespace {

constexpr const char* differs = "two runs of one seed differ";
constexpr std::size_t most_shrink_runs = 64;  // of a second each
constexpr std::uint64_t campaign = 20;  // from so many seeds on, every kind of event must occur

/// What happened in all seeds, in the order in which it is shown.
using Totals = std::vector<std::pair<const char*, std::uint64_t>>;

Totals totals_of(const sim::RunResult& result) {
  const auto& counters = result.counters;
  return {{"acknowledged", result.acknowledged},
          {"attempts", result.attempts},
          {"looks", result.looks},
          {"ordered", result.ordered},
          {"kills", result.happened.kills},
          {"leaves", result.happened.leaves},
          {"drains", result.happened.drains},
          {"moves", result.happened.moves},
          {"slow_disks", result.happened.slow_disks},
          {"failed_disks", result.happened.failed_disks},
          {"resets", result.happened.resets},
          {"handed_over", counters.handed_over},
          {"forwarded", counters.forwarded},
          {"resent", counters.resent},
          {"moved_answers", counters.moved},
          {"duplicates", counters.duplicates},
          {"fences_lost", counters.fences_lost},
          {"without_credit", counters.without_credit},
          {"remembered", counters.remembered},
          {"snapshots", result.snapshots},
          {"repeated", result.repeated},
          {"trimmed", result.trimmed},
          {"begun_anew", counters.begun_anew},
          {"old_copies", result.old_copies},
          {"damages", result.damages},
          {"renewals", counters.renewals},
          {"events", result.events}};
}

/// SOMETIMES points: a campaign that never reached one proved less than it says.
std::string never_reached(const Totals& totals) {
  for (const auto& [name, count] : totals)
    if (count == 0) return name;
  return {};
}

sim::RunResult run_seed(std::uint64_t seed, const SimOptions& options) {
  auto result = sim::run_ledger(seed, {.only = options.only});
  if (options.only) return result;
  if (seed % twice_every == 0 && sim::run_ledger(seed).trace != result.trace) {
    result.passed = false;
    result.problem = differs;
  }
  return result;
}

/// The command that repeats it with as few of its faults as still make it fail.
std::string shrunk(std::uint64_t seed, const sim::RunResult& result) {
  if (result.problem == differs) return {};
  const auto left = sim::shrink(result.faults.size(), most_shrink_runs, [&](const auto& only) {
    return !sim::run_ledger(seed, {.only = only}).passed;
  });
  std::string out = "  with " + std::to_string(left.size()) + " of its " +
                    std::to_string(result.faults.size()) + " faults: coterie sim --from " +
                    std::to_string(seed) + " --seeds 1 --faults ";
  if (left.empty()) out += "none";
  for (std::size_t i = 0; i < left.size(); ++i)
    out += (i == 0 ? "" : ",") + std::to_string(left[i]);
  for (const auto number : left) out += "\n    " + describe(number, result.faults[number]);
  return out + "\n  it says then: " + sim::run_ledger(seed, {.only = left}).problem + "\n";
}

void print(const SimOptions& options, std::uint64_t failed, const Totals& totals, double seconds) {
  if (options.output == "json") {
    nlohmann::ordered_json out{{"seeds", options.seeds}, {"failed", failed}};
    for (const auto& [name, count] : totals) out[name] = count;
    out["seconds"] = seconds;
    return void(std::printf("%s\n", out.dump().c_str()));
  }
  std::printf("%llu seeds, %llu failed; ", static_cast<unsigned long long>(options.seeds),
              static_cast<unsigned long long>(failed));
  for (const auto& [name, count] : totals)
    std::printf("%s %llu, ", name, static_cast<unsigned long long>(count));
  std::printf("%.1f s\n", seconds);
}

}  // namespace

int run_sim(const SimOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  auto totals = totals_of({});
  std::atomic<std::uint64_t> next{0};
  std::mutex mutex;
  const auto work = [&] {
    for (auto i = next.fetch_add(1); i < options.seeds; i = next.fetch_add(1)) {
      const auto seed = options.first_seed + i;
      const auto result = run_seed(seed, options);
      const auto counts = totals_of(result);
      const auto fewer =
          result.passed || options.only || !options.shrinks ? "" : shrunk(seed, result);
      const std::lock_guard lock(mutex);
      for (std::size_t k = 0; k < totals.size(); ++k) totals[k].second += counts[k].second;
      if (result.passed) continue;
      ++failed;
      std::fprintf(stderr, "seed %llu: %s\n  replay: coterie sim --from %llu --seeds 1\n%s",
                   static_cast<unsigned long long>(seed), result.problem.c_str(),
                   static_cast<unsigned long long>(seed), fewer.c_str());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  if (const auto missing = never_reached(totals); options.seeds >= campaign && !missing.empty()) {
    ++failed;
    std::fprintf(stderr, "no seed reached a count of '%s'\n", missing.c_str());
  }
  const auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  print(options, failed, totals, seconds);
  return failed == 0 ? 0 : 1;
}

}  // namespace coterie::tools
