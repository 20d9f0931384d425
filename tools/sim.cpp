#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/ledger_run.hpp"

namespace coterie::tools {
namespace {

constexpr std::uint64_t twice_every = 20;  // 5 % of the seeds run twice: the trace must be equal
constexpr std::uint64_t campaign = 20;     // from so many seeds on, every kind of event must occur

/// SOMETIMES points: a campaign that never reached one proved less than it says.
std::string never_reached(std::uint64_t kills, std::uint64_t moves, std::uint64_t moved) {
  if (kills == 0) return "a kill";
  if (moves == 0) return "a shard that moves";
  return moved == 0 ? "a stale caller that is corrected" : "";
}

}  // namespace

int run_sim(const SimOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t failed = 0, acknowledged = 0, attempts = 0, kills = 0, events = 0;
  std::uint64_t moves = 0, moved = 0;
  for (std::uint64_t seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    auto result = sim::run_ledger(seed);
    if (seed % twice_every == 0 && sim::run_ledger(seed).trace != result.trace) {
      result.passed = false;
      result.problem = "two runs of one seed differ";
    }
    acknowledged += result.acknowledged, attempts += result.attempts, kills += result.kills,
        events += result.events, moves += result.moves, moved += result.moved;
    if (result.passed) continue;
    ++failed;
    std::fprintf(stderr, "seed %llu: %s\n  replay: coterie sim --seed %llu --seeds 1\n",
                 static_cast<unsigned long long>(seed), result.problem.c_str(),
                 static_cast<unsigned long long>(seed));
  }
  const auto missing = options.seeds < campaign ? "" : never_reached(kills, moves, moved);
  if (!missing.empty()) {
    ++failed;
    std::fprintf(stderr, "no seed reached %s\n", missing.c_str());
  }
  const auto seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (options.output == "json") {
    std::printf("%s\n", nlohmann::json{{"seeds", options.seeds},
                                       {"failed", failed},
                                       {"acknowledged", acknowledged},
                                       {"attempts", attempts},
                                       {"kills", kills},
                                       {"moves", moves},
                                       {"moved_answers", moved},
                                       {"events", events},
                                       {"seconds", seconds}}
                            .dump()
                            .c_str());
  } else {
    std::printf(
        "%llu seeds, %llu failed; %llu deposits acknowledged in %llu attempts, %llu kills, %llu "
        "moves, %llu Moved answers, %llu events, %.1f s\n",
        static_cast<unsigned long long>(options.seeds), static_cast<unsigned long long>(failed),
        static_cast<unsigned long long>(acknowledged), static_cast<unsigned long long>(attempts),
        static_cast<unsigned long long>(kills), static_cast<unsigned long long>(moves),
        static_cast<unsigned long long>(moved), static_cast<unsigned long long>(events), seconds);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace coterie::tools
