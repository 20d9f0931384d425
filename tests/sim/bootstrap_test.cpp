#include <doctest/doctest.h>

#include "coterie/sim/pool.hpp"

using namespace coterie;

// Gossip alone left pairs that did not know each other until the regular exchange, a minute later.
TEST_CASE("bootstrap: 200 members that start at once all know each other in ten seconds") {
  for (const std::uint64_t seed : {1, 2}) {
    sim::Pool pool({.nodes = 200, .seed = seed, .formed = false});
    for (const auto end = pool.now() + 10s; pool.now() < end && !pool.all_alive();)
      pool.run_until(pool.now() + 100ms);
    CHECK(pool.all_alive());
  }
}

TEST_CASE("bootstrap: a pool that has settled exchanges states at the regular interval again") {
  sim::Pool pool({.nodes = 20, .seed = 4, .formed = false});
  pool.run_until(pool.now() + 60s);
  CHECK(pool.all_alive());
  // Probes and their answers are two packets a member and second; the rest is exchanges.
  const auto before = pool.messages();
  pool.run_until(pool.now() + 100s);
  const auto a_member_and_second = static_cast<double>(pool.messages() - before) / (20 * 100);
  CHECK(a_member_and_second > 1.9);
  CHECK(a_member_and_second < 2.2);
}
