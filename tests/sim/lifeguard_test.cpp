#include <doctest/doctest.h>

#include "coterie/sim/lifeguard_run.hpp"
#include "coterie/sim/membership_runs.hpp"
#include "coterie/sim/pool.hpp"

using namespace coterie;

namespace {

sim::LifeguardRow quick(const std::string& mode) {
  return sim::run_lifeguard(mode, {.quick = true}, [](double) {});
}

}  // namespace

TEST_CASE(
    "lifeguard run: plain SWIM declares healthy members dead where Lifeguard and ours do not") {
  const auto swim = quick("swim");
  const auto lifeguard = quick("lifeguard");
  const auto ours = quick("coterie");
  CHECK(swim.false_positives > 50);
  CHECK(lifeguard.false_positives * 20 <= swim.false_positives);
  CHECK(ours.false_positives * 20 <= swim.false_positives);
  CHECK(swim.first_median_s > 10);  // the suspicion alone takes 10.5 s
  CHECK(ours.first_median_s < swim.first_median_s + 2);
}

TEST_CASE("lifeguard run: one seed is one history") {
  const auto once = quick("coterie");
  const auto again = quick("coterie");
  CHECK(once.messages == again.messages);
  CHECK(once.bytes == again.bytes);
  CHECK(once.first_median_s == again.first_median_s);
}

TEST_CASE("pool: a member that stops is declared dead by everyone, and nobody else is") {
  sim::Pool pool({.nodes = 32, .seed = 7});
  pool.run_until(pool.now() + 10s);
  std::size_t about_stopped = 0;
  std::size_t about_others = 0;
  pool.on_death = [&](std::size_t, std::size_t about) {
    ++(about == 3 ? about_stopped : about_others);
  };
  pool.block(3, pool.now() + 60s);
  pool.run_until(pool.now() + 30s);
  CHECK(about_stopped == 31);
  CHECK(about_others == 0);
}

TEST_CASE("jury: once suspected, a killed member is dead to all in half the shortest suspicion") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    sim::Pool pool({.nodes = 32, .seed = seed});
    pool.run_until(pool.now() + 15s);
    std::size_t know = 0;
    Instant suspected = never, all_know = never;
    pool.on_state = [&](std::size_t, const membership::Member& about) {
      if (about.name != "n3") return;
      suspected = earliest(suspected, pool.now());
      if (about.state == membership::MemberState::dead && ++know == 31) all_know = pool.now();
    };
    pool.kill(3, true);
    pool.run_until(pool.now() + 20s);
    REQUIRE(know == 31);
    CHECK(all_know - suspected <= membership::suspicion_timeout({}, 32) / 2);
  }
}

TEST_CASE("jury: a member that is cut off hears nobody deny, and convicts nobody") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    sim::Pool pool({.nodes = 32, .seed = seed});
    pool.run_until(pool.now() + 15s);
    std::size_t deaths = 0;
    pool.on_death = [&](std::size_t observer, std::size_t) { deaths += observer == 0 ? 1 : 0; };
    std::vector<std::uint8_t> alone(32, 1);
    alone[0] = 0;
    pool.split(alone);
    pool.run_until(pool.now() + 7s);
    CHECK(deaths == 0);
  }
}

TEST_CASE("bootstrap: 64 members that start at once all see each other within two seconds") {
  const auto figures = sim::run_bootstrap({64}, {.first_seed = 1, .runs = 3});
  REQUIRE(figures.size() == 1);
  CHECK(figures[0].met());
}
