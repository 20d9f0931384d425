/// What a cluster that has just formed survives: whoever starts one waits for readiness, and then
/// relies on it.
#include <doctest/doctest.h>

#include <map>

#include "coterie/sim/process.hpp"
#include "coterie/sim/world.hpp"

using namespace coterie;

namespace {

/// Steps of a tenth of a millisecond, so that the death comes at the first moment at which it may.
bool ready_soon(sim::World& world) {
  for (const auto end = world.now() + 30s; world.now() < end; world.run_for(100us)) {
    std::size_t ready = 0;
    for (std::size_t i = 0; i < world.size(); ++i)
      ready += world.process(i).node().readiness().ready ? 1 : 0;
    if (ready == world.size()) return true;
  }
  return false;
}

bool led_without(sim::World& world, std::size_t dead) {
  auto* const leader = world.registers_leader();
  if (leader == nullptr) return false;
  for (const auto& entry : leader->node().table().registers)
    if (entry.primary == "n" + std::to_string(dead)) return false;
  return true;
}

}  // namespace

// With two voters, or with one that everything hung on, the death of a node stopped the others for
// good: half a second after they had said that they were ready.
TEST_CASE("formation: whoever dies as soon as all are ready, others lead its shards in seconds") {
  for (const std::size_t size : {3, 5})
    for (std::size_t victim = 0; victim < size; ++victim) {
      sim::World world({.seed = 1 + victim, .nodes = size});
      for (std::size_t i = 0; i < size; ++i) world.start(i);
      REQUIRE(ready_soon(world));
      CHECK(world.registers_leader()->node().meta_store()->raft().configuration().voters.size() ==
            size);
      world.kill(victim, false);
      CHECK(world.run_until([&] { return led_without(world, victim); }, 5s));
    }
}

TEST_CASE("formation: between one voter and three are two for milliseconds only") {
  sim::World world({.seed = 3, .nodes = 3});
  for (std::size_t i = 0; i < 3; ++i) world.start(i);
  std::map<std::size_t, Duration> lasted;
  for (const auto end = world.now() + 10s; world.now() < end; world.run_for(100us))
    if (auto* const leader = world.registers_leader())
      lasted[leader->node().meta_store()->raft().configuration().voters.size()] += 100us;
  CHECK(lasted[3] > 5s);
  CHECK(lasted[2] < 50ms);
}
