/// Each mutation is one small wrong change to the real code (core/mutation.hpp). For each this runs
/// seeds of the simulator until one fails; a mutation that survives is an error, as is a failure of
/// the code as it is. First comes the seed that caught it last time; `--search` begins at 1 and so
/// says how many it took (docs/SIMULATION.md has the table).
#include <algorithm>
#include <cstdio>
#include <iterator>
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
  std::uint64_t caught;  ///< the seed of the last search
};

constexpr Mutation mutations[] = {
    {"raft: the vote is not durable", 5000, raft, 180},
    {"raft: answers before the disk has it", 2000, raft, 1},
    {"raft: commits an older term by counting", 40000, raft, 8960},
    {"raft: a second vote for a transfer's target", 20000, raft, 2429},
    {"raft: commits what it did not verify", 2000, raft, 126},
    {"raft: votes for a log that is behind", 2000, raft, 7},
    {"raft: two changes at once", 20000, raft, 54},
    {"raft: reads without asking a quorum", 2000, raft, 85},
    {"raft: does not compare the entry before", 2000, raft, 9},
    {"raft: a learner counts", 20000, raft, 1},
    {"raft: the leader counts what is not on its disk", 5000, raft, 1},
    {"shard: the promise is not durable", 5000, shard, 41},
    {"shard: acknowledges before the disk has it", 5000, shard, 1},
    {"shard: accepts appends of an older epoch", 5000, shard, 2},
    {"shard: a restarted primary resumes its epoch", 5000, shard, 5},
    {"shard: acks are carried across a skipped epoch", 5000, shard, 2453},
    {"shard: shrinks before the swap is known", 5000, shard, 2},
    {"shard: grows without the newcomer's acks", 5000, shard, 1},
    {"shard: grows with a lagging target", 5000, shard, 1},
    {"shard: grows up to the commit index only", 5000, shard, 3},
    {"shard: reads without a confirmation round", 5000, shard, 5},
    {"shard: promotes a replica that is not in sync", 5000, shard, 1},
    {"shard: a lost disk returns as the same replica", 5000, shard, 38},
    {"shard: takes a read of the old epoch for the outcome", 5000, shard, 10},
    {"shard: a lease is counted from its receipt", 5000, shard, 48},
    {"shard: promises another one what it granted", 5000, shard, 36},
    {"shard: a restarted replica does not sit out what it granted", 5000, shard, 57},
    {"shard: leads below its own promise", 5000, shard, 5},
    {"shard: one of the in-sync set is not waited for", 5000, shard, 1},
    {"shard: the primary counts what is not on its disk", 5000, shard, 1},
    {"shard: commits below its barrier", 5000, shard, 1076},
    {"shard: does not compare the entry before", 5000, shard, 1},
    {"entity: replies before its events are committed", 300, ledger, 9},
    {"hand-off: parked commands go after Moved", 100, ledger, 14},
    {"repair: a damaged copy comes back as the same replica", 100, ledger, 4},
    {"node: an older copy is taken for the newest", 100, ledger, 11},
    {"entity: a read is answered before what it saw is committed", 300, ledger, 44},
    {"entity: the duplicate table is not rebuilt", 100, ledger, 1},
    {"entity: the duplicate table is not in the checkpoint", 300, ledger, 1},
    {"entity: a snapshot that is not the fold", 100, ledger, 1},
    {"hand-off: a sender does not wait for what it sent before", 100, ledger, 6},
    {"resend: what was lost goes behind what was asked later", 300, ledger, 52},
};

/// Which seed failed of `first` to `last`; 0 = none did.
std::uint64_t failing(Run (*run)(std::uint64_t), std::uint64_t first, std::uint64_t last,
                      std::string& problem) {
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    auto result = run(seed);
    if (result.passed) continue;
    problem = result.problem.substr(0, result.problem.find('\n'));
    return seed;
  }
  return 0;
}

std::uint64_t catches(const Mutation& mutation, bool search, std::string& problem) {
  active_mutation = mutation.name;
  if (!search && failing(mutation.run, mutation.caught, mutation.caught, problem) != 0)
    return mutation.caught;
  return failing(mutation.run, 1, mutation.within, problem);
}

int usage() {
  std::fputs(
      "usage: mutations [--search] [NAME]\n"
      "  --search   from seed 1, which takes minutes, instead of the seed that caught it last "
      "time\n"
      "  NAME       this one alone; of a ledger's history, the faults that it needs as well\n"
      "example: mutations --search 'shard: the promise is not durable'\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + 1, argv + argc);
  const bool search = std::erase(words, "--search") != 0;
  const std::string_view only = words.empty() ? "" : words.front();
  const auto known = [&](const Mutation& mutation) {
    return only.empty() || mutation.name == only;
  };
  if (words.size() > 1 || std::none_of(std::begin(mutations), std::end(mutations), known))
    return usage();
  int survived = 0;
  std::string problem;
  for (const auto& [run, seeds] : {std::pair{&raft, 200u}, {&shard, 200u}, {&ledger, 10u}})
    if (only.empty() && failing(run, 1, seeds, problem) != 0) {
      std::printf("without any mutation a seed fails: %s\n", problem.c_str());
      return 1;
    }
  std::printf("%-60s %8s  %s\n", "MUTATION", "SEED", "CAUGHT BY");
  for (const auto& mutation : mutations) {
    if (!known(mutation)) continue;
    const auto seed = catches(mutation, search, problem);
    survived += seed == 0 ? 1 : 0;
    std::printf("%-60s %8s  %s\n", std::string(mutation.name).c_str(),
                seed == 0 ? "-" : std::to_string(seed).c_str(),
                seed == 0 ? "NOT CAUGHT" : problem.c_str());
    if (!only.empty() && seed != 0 && mutation.run == &ledger) print_shrunk(seed);
    std::fflush(stdout);
  }
  return survived == 0 ? 0 : 1;
}
