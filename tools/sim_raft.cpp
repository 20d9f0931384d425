#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/raft_run.hpp"

namespace coterie::tools {
namespace {

constexpr std::uint64_t twice_every = 20;  // 5 % of the seeds run twice: the trace must be equal

}  // namespace

int run_sim_raft(const SimOptions& options) {
  std::uint64_t failed = 0, committed = 0, terms = 0, reads = 0, kills = 0, changes = 0;
  for (auto seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    auto result = sim::run_raft(seed);
    if (seed % twice_every == 0 && sim::run_raft(seed).trace != result.trace) {
      result.passed = false;
      result.problem = "two runs of one seed differ";
    }
    committed += result.committed, terms += result.terms, reads += result.reads,
        kills += result.kills, changes += result.changes;
    if (result.passed) continue;
    ++failed;
    std::fprintf(stderr, "seed %llu: %s\n  replay: coterie sim raft --seed %llu --seeds 1\n",
                 static_cast<unsigned long long>(seed), result.problem.c_str(),
                 static_cast<unsigned long long>(seed));
  }
  const nlohmann::ordered_json out{
      {"seeds", options.seeds}, {"failed", failed}, {"committed", committed}, {"terms", terms},
      {"reads", reads},         {"kills", kills},   {"changes", changes}};
  if (options.output == "json") {
    std::printf("%s\n", out.dump().c_str());
  } else {
    for (const auto& [what, value] : out.items())
      std::printf("%-12s %s\n", what.c_str(), value.dump().c_str());
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace coterie::tools
