#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/raft_run.hpp"
#include "coterie/sim/shard_run.hpp"

namespace coterie::tools {
namespace {

template <class Run, class Count>
void for_each_seed(const SimOptions& options, const char* what, Run run, std::uint64_t& failed,
                   Count count) {
  for (auto seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    auto result = run(seed);
    if (seed % twice_every == 0 && run(seed).trace != result.trace) {
      result.passed = false;
      result.problem = "two runs of one seed differ";
    }
    count(result);
    if (result.passed) continue;
    ++failed;
    std::fprintf(stderr, "seed %llu: %s\n  replay: coterie sim %s --seed %llu --seeds 1\n",
                 static_cast<unsigned long long>(seed), result.problem.c_str(), what,
                 static_cast<unsigned long long>(seed));
  }
}

int print(const SimOptions& options, std::uint64_t failed, const nlohmann::ordered_json& out) {
  if (options.output == "json") {
    std::printf("%s\n", out.dump().c_str());
  } else {
    for (const auto& [what, value] : out.items())
      std::printf("%-12s %s\n", what.c_str(), value.dump().c_str());
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int run_sim_raft(const SimOptions& options) {
  std::uint64_t failed = 0, committed = 0, terms = 0, reads = 0, kills = 0, changes = 0;
  for_each_seed(options, "raft", sim::run_raft, failed, [&](const sim::RaftRunResult& result) {
    committed += result.committed, terms += result.terms, reads += result.reads,
        kills += result.kills, changes += result.changes;
  });
  return print(options, failed,
               {{"seeds", options.seeds},
                {"failed", failed},
                {"committed", committed},
                {"terms", terms},
                {"reads", reads},
                {"kills", kills},
                {"changes", changes}});
}

int run_sim_shard(const SimOptions& options) {
  std::uint64_t failed = 0, acknowledged = 0, reigns = 0, epochs = 0, reads = 0, kills = 0,
                handed_over = 0, begun_anew = 0;
  for_each_seed(options, "shard", sim::run_shard, failed, [&](const sim::ShardRunResult& result) {
    acknowledged += result.acknowledged, reigns += result.reigns, epochs += result.epochs,
        reads += result.reads, kills += result.kills, handed_over += result.handed_over;
    begun_anew += result.begun_anew;
  });
  return print(options, failed,
               {{"seeds", options.seeds},
                {"failed", failed},
                {"acknowledged", acknowledged},
                {"reigns", reigns},
                {"epochs", epochs},
                {"reads", reads},
                {"handed_over", handed_over},
                {"begun_anew", begun_anew},
                {"kills", kills}});
}

}  // namespace coterie::tools
