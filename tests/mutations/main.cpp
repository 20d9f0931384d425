/// Each mutation is one small wrong change to the real code (core/mutation.hpp). For each this runs
/// seeds of the simulator until one fails, and says how many it took; a mutation that survives is
/// an error, as is a failure of the code as it is. docs/SIMULATION.md has the table.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "coterie/core/mutation.hpp"
#include "coterie/sim/ledger_run.hpp"
#include "coterie/sim/raft_run.hpp"
#include "coterie/sim/shard_run.hpp"
#include "coterie/sim/shrink.hpp"

using namespace coterie;

namespace {

struct Run {
  bool passed = false;
  std::string problem{};
};
Run raft(std::uint64_t seed) {
  auto result = sim::run_raft(seed);
  return {result.passed, std::move(result.problem)};
}
Run shard(std::uint64_t seed) {
  auto result = sim::run_shard(seed);
  return {result.passed, std::move(result.problem)};
}

Run ledger(std::uint64_t seed) {
  auto result = sim::run_ledger(seed);
  return {result.passed, std::move(result.problem)};
}

/// The faults that are needed for it, of a ledger's history.
void print_shrunk(std::uint64_t seed) {
  const auto all = sim::run_ledger(seed).faults;
  const auto left = sim::shrink(all.size(), 64, [&](const auto& only) {
    return !sim::run_ledger(seed, {.only = only}).passed;
  });
  std::printf("with %zu of the %zu faults of seed %llu:\n", left.size(), all.size(),
              static_cast<unsigned long long>(seed));
  for (const auto number : left) std::printf("  %s\n", describe(number, all[number]).c_str());
}

struct Mutation {
  std::string_view name;
  std::uint64_t within;  ///< seeds; several times what it took when this was written
  Run (*run)(std::uint64_t seed);
};

constexpr Mutation mutations[] = {
    {"raft: the vote is not durable", 5000, raft},
    {"raft: answers before the disk has it", 2000, raft},
    {"raft: commits an older term by counting", 40000, raft},
    {"raft: a second vote for a transfer's target", 20000, raft},
    {"raft: commits what it did not verify", 2000, raft},
    {"raft: votes for a log that is behind", 2000, raft},
    {"raft: two changes at once", 20000, raft},
    {"raft: reads without asking a quorum", 2000, raft},
    {"shard: the promise is not durable", 5000, shard},
    {"shard: acknowledges before the disk has it", 5000, shard},
    {"shard: accepts appends of an older epoch", 5000, shard},
    {"shard: a restarted primary resumes its epoch", 5000, shard},
    {"shard: acks are carried across a skipped epoch", 5000, shard},
    {"shard: shrinks before the swap is known", 5000, shard},
    {"shard: grows without the newcomer's acks", 5000, shard},
    {"shard: grows with a lagging target", 5000, shard},
    {"shard: grows up to the commit index only", 5000, shard},
    {"shard: reads without a confirmation round", 5000, shard},
    {"shard: promotes a replica that is not in sync", 5000, shard},
    {"shard: a lost disk returns as the same replica", 5000, shard},
    {"shard: takes a read of the old epoch for the outcome", 5000, shard},
    {"shard: a lease is counted from its receipt", 5000, shard},
    {"shard: promises another one what it granted", 5000, shard},
    {"shard: a restarted replica does not sit out what it granted", 5000, shard},
    {"shard: leads below its own promise", 5000, shard},
    {"entity: replies before its events are committed", 300, ledger},
    {"hand-off: parked commands go after Moved", 100, ledger},
    {"repair: a damaged copy comes back as the same replica", 100, ledger},
    {"node: an older copy is taken for the newest", 100, ledger},
    {"entity: a read is answered before what it saw is committed", 300, ledger},
    {"entity: the duplicate table is not rebuilt", 100, ledger},
    {"entity: the duplicate table is not in the checkpoint", 300, ledger},
    {"entity: a snapshot that is not the fold", 100, ledger},
    {"hand-off: a sender does not wait for what it sent before", 100, ledger},
};

/// Seeds until one failed; 0 = none did.
std::uint64_t seeds_until_caught(const Mutation& mutation, std::uint64_t most,
                                 std::string& problem) {
  for (std::uint64_t seed = 1; seed <= most; ++seed) {
    auto result = mutation.run(seed);
    if (result.passed) continue;
    problem = result.problem.substr(0, result.problem.find('\n'));
    return seed;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view only = argc > 1 ? argv[1] : "";
  int survived = 0;
  std::string problem;
  for (const auto& [run, seeds] : {std::pair{&raft, 200u}, {&shard, 200u}, {&ledger, 10u}})
    if (only.empty() && seeds_until_caught({"", 0, run}, seeds, problem) != 0) {
      std::printf("without any mutation a seed fails: %s\n", problem.c_str());
      return 1;
    }
  std::printf("%-48s %8s  %s\n", "MUTATION", "SEEDS", "CAUGHT BY");
  for (const auto& mutation : mutations) {
    if (!only.empty() && mutation.name != only) continue;
    active_mutation = mutation.name;
    const auto seeds = seeds_until_caught(mutation, mutation.within, problem);
    survived += seeds == 0 ? 1 : 0;
    std::printf("%-48s %8s  %s\n", std::string(mutation.name).c_str(),
                seeds == 0 ? "-" : std::to_string(seeds).c_str(),
                seeds == 0 ? "NOT CAUGHT" : problem.c_str());
    if (!only.empty() && seeds != 0 && mutation.run == &ledger) print_shrunk(seeds);
    std::fflush(stdout);
  }
  return survived == 0 ? 0 : 1;
}
