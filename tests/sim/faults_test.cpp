#include <doctest/doctest.h>

#include "coterie/sim/membership_runs.hpp"
#include "coterie/sim/pool.hpp"
#include "coterie/sim/scale_run.hpp"

using namespace coterie;

TEST_CASE("faults: members with a bad network are removed, all of them and nobody else, for good") {
  for (const auto& figure : sim::run_rapid_faults({60}, {.first_seed = 5, .runs = 1})) {
    INFO(figure.what << " " << figure.value);
    CHECK(figure.met());
  }
}

TEST_CASE("faults: a bad link between two members, one way or both, removes neither") {
  for (const bool both : {false, true}) {
    sim::Pool pool({.nodes = 16, .seed = 3});
    std::size_t deaths = 0;
    pool.on_death = [&](std::size_t, std::size_t) { ++deaths; };
    pool.cut(1, 2);
    if (both) pool.cut(2, 1);
    pool.run_until(pool.now() + 200s);
    CHECK(deaths == 0);
    CHECK(pool.swim(1).counters().step_downs + pool.swim(2).counters().step_downs == 0);
  }
}

TEST_CASE("faults: at a fifth of all packets lost nobody is declared dead and nobody steps down") {
  sim::Pool pool({.nodes = 32, .seed = 9, .loss = 0.2});
  std::size_t deaths = 0;
  pool.on_death = [&](std::size_t, std::size_t) { ++deaths; };
  pool.run_until(pool.now() + 400s);
  CHECK(deaths == 0);
  for (std::size_t i = 0; i < pool.size(); ++i) CHECK(pool.swim(i).counters().step_downs == 0);
}

TEST_CASE("faults: a member that hears nobody steps down and comes back once it is well") {
  sim::Pool pool({.nodes = 8, .seed = 2});
  pool.run_until(pool.now() + 10s);
  pool.set_loss(0, 1, 1);
  pool.run_until(pool.now() + 20s);
  CHECK_FALSE(pool.swim(0).in_office());
  for (std::size_t i = 1; i < 8; ++i)
    CHECK(pool.swim(i).members().at("n0").state == membership::MemberState::dead);
  pool.set_loss(0, 0, 0);
  pool.run_until(pool.now() + 25s);
  CHECK_FALSE(pool.swim(0).in_office());  // on probation
  pool.run_until(pool.now() + 15s);
  CHECK(pool.swim(0).in_office());
  CHECK(pool.all_alive());
}

TEST_CASE("scale: one seed gives one history, and everybody learns of a death") {
  const auto once = sim::run_scale(150, 40s, 4);
  CHECK(once.know == 149);
  CHECK(once.trace == sim::run_scale(150, 40s, 4).trace);
  CHECK(once.trace != sim::run_scale(150, 40s, 5).trace);
}

TEST_CASE("faults: the last of three, whose others died and return, is back within seconds") {
  sim::Pool pool({.nodes = 3, .seed = 6});
  pool.run_until(pool.now() + 10s);
  for (const std::size_t i : {1, 2}) pool.set_loss(i, 1, 1);
  pool.set_loss(0, 1, 1);
  pool.run_until(pool.now() + 30s);
  CHECK_FALSE(pool.swim(0).in_office());
  for (const std::size_t i : {0, 1, 2}) pool.set_loss(i, 0, 0);
  pool.run_until(pool.now() + 90s);
  CHECK(pool.all_alive());
}
