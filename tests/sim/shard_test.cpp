#include <doctest/doctest.h>

#include "coterie/sim/shard_run.hpp"
#include "support/sanitized.hpp"

using namespace coterie;

TEST_CASE("shard log: under every fault nothing committed is lost, and healed replicas agree") {
  std::size_t kills = 0, reigns = 0, reads = 0, acknowledged = 0, handed_over = 0, begun_anew = 0;
  constexpr std::uint64_t seeds = testing::sanitized ? 30 : 300;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto result = sim::run_shard(seed);
    INFO("seed " << seed << ": " << result.problem);
    CHECK(result.passed);
    handed_over += result.handed_over;
    begun_anew += result.begun_anew;
    kills += result.kills, reigns += result.reigns, reads += result.reads,
        acknowledged += result.acknowledged;
  }
  // A campaign in which these do not happen proves less than it says.
  CHECK(kills > seeds);
  CHECK(reigns > 3 * seeds);
  CHECK(reads > 3 * seeds);
  CHECK(handed_over > seeds / 3);
  CHECK(begun_anew > seeds / 30);
  CHECK(acknowledged > 100 * seeds);
}

TEST_CASE("shard log: one seed is one history") {
  CHECK(sim::run_shard(7).trace == sim::run_shard(7).trace);
  CHECK(sim::run_shard(7).trace != sim::run_shard(8).trace);
}
