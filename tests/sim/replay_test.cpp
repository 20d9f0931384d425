/// Recorded simulated runs play back: every kind of input, under kills, cuts, moves and full disks.
#include "coterie/cluster/replay.hpp"

#include <doctest/doctest.h>

#include "coterie/sim/data_worker.hpp"
#include "coterie/sim/ledger_run.hpp"

using namespace coterie;

TEST_CASE("sim: every core of every life replays to the effects it had") {
  for (const std::uint64_t seed : {1u, 2u}) {  // of three and of four nodes
    const auto run = sim::run_ledger(seed, {.record = true});
    CHECK(run.passed);
    REQUIRE(run.tapes.size() > 6);
    std::uint64_t inputs = 0;  // a life that is killed at once has none
    for (const auto& [name, tape] : run.tapes) {
      INFO("seed " << seed << " " << name);
      const auto report = cluster::replay(tape, sim::account_types());
      REQUIRE(report.has_value());
      CHECK(report->divergence.empty());
      inputs += report->inputs;
    }
    CHECK(inputs > 1000);
  }
}

TEST_CASE("sim: recording changes nothing, and one seed is one history") {
  const auto plain = sim::run_ledger(4);
  const auto recorded = sim::run_ledger(4, {.record = true});
  CHECK(plain.trace == recorded.trace);
  CHECK(sim::run_ledger(8).trace != plain.trace);
}
