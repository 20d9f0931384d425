#include "coterie/supervision/supervisor.hpp"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::supervision;

namespace {
constexpr Instant start{1'000'000'000};
Supervisor make(Strategy strategy, std::uint32_t restarts = 5) {
  return {{.strategy = strategy, .intensity = {.restarts = restarts, .period = 10s}},
          {"a", "b", "c"},
          Random(1)};
}
SupervisorEffects wait_out(Supervisor& s) { return s.tick(s.next_deadline()); }
}  // namespace

TEST_CASE("supervisor: one for one restarts the failed child alone, after its back-off") {
  auto s = make(Strategy::one_for_one);
  CHECK(s.child_failed("b", "x", start).empty());
  CHECK(s.next_deadline() >= start + 50ms);
  CHECK(s.tick(start).empty());
  CHECK(wait_out(s) == SupervisorEffects{StartChild{"b"}});
  CHECK(s.next_deadline() == never);
}

TEST_CASE("supervisor: one for all stops the siblings and restarts everything in order") {
  auto s = make(Strategy::one_for_all);
  CHECK(s.child_failed("b", "x", start) == SupervisorEffects{StopChild{"a"}, StopChild{"c"}});
  CHECK(wait_out(s) == SupervisorEffects{StartChild{"a"}, StartChild{"b"}, StartChild{"c"}});
}

TEST_CASE("supervisor: rest for one restarts the failed child and those started after it") {
  auto s = make(Strategy::rest_for_one);
  CHECK(s.child_failed("b", "x", start) == SupervisorEffects{StopChild{"c"}});
  CHECK(wait_out(s) == SupervisorEffects{StartChild{"b"}, StartChild{"c"}});
}

TEST_CASE(
    "supervisor: as many restarts as the intensity allows, one more escalates, and time forgives") {
  auto s = make(Strategy::one_for_one, 2);
  auto now = start;
  for (int i = 0; i < 2; ++i) {
    CHECK(s.child_failed("a", "x", now).empty());
    (void)wait_out(s);
  }
  CHECK(s.child_failed("a", "why", now) == SupervisorEffects{Escalate{"a", "why"}});
  CHECK(s.child_failed("a", "x", now + 10s).empty());
}

TEST_CASE("back-off: doubles from the first pause to the limit, with up to a quarter of jitter") {
  Backoff backoff({.first = 100ms, .limit = 400ms});
  Random random(1);
  for (const auto base : {100ms, 200ms, 400ms, 400ms}) {
    const auto pause = backoff.next(random);
    CHECK(pause >= base);
    CHECK(pause <= base * 5 / 4);
  }
  backoff.reset();
  CHECK(backoff.next(random) < 200ms);
}
