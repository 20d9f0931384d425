#include <doctest/doctest.h>

#include "coterie/sim/raft_run.hpp"

using namespace coterie;

TEST_CASE("raft: under every fault nothing committed is lost, and a healed group agrees") {
  std::size_t kills = 0, changes = 0, reads = 0, committed = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto result = sim::run_raft(seed);
    INFO("seed " << seed << ": " << result.problem);
    CHECK(result.passed);
    kills += result.kills, changes += result.changes, reads += result.reads,
        committed += result.committed;
  }
  // A campaign in which these do not happen proves less than it says.
  CHECK(kills > 300);
  CHECK(changes > 300);
  CHECK(reads > 300);
  CHECK(committed > 30'000);
}

TEST_CASE("raft: one seed is one history") {
  CHECK(sim::run_raft(7).trace == sim::run_raft(7).trace);
  CHECK(sim::run_raft(7).trace != sim::run_raft(8).trace);
}
