#include "coterie/membership/phi.hpp"

#include <doctest/doctest.h>

#include "coterie/core/random.hpp"

using namespace coterie;
using namespace coterie::membership;

namespace {

/// A peer that answers `count` probes, one a second, after `base` and some jitter.
PhiDetector trained(Duration base, Duration jitter, int count, Instant& now) {
  PhiDetector phi;
  Random random(7);
  for (int i = 0; i < count; ++i) {
    phi.asked(now);
    phi.answered(now + base + random.below(jitter));
    now = now + 1s;
  }
  return phi;
}

}  // namespace

TEST_CASE("phi: zero for a peer that answered, higher the longer it does not, and finite") {
  Instant now{1'000'000'000};
  auto phi = trained(1ms, 1ms, 50, now);
  CHECK(phi.phi(now) == 0);
  double last = 0;
  for (int probe = 0; probe < 2000; ++probe) {
    phi.asked(now);
    for (int step = 0; step < 10; ++step) {
      now = now + 100ms;
      const auto value = phi.phi(now);
      REQUIRE(value >= last);
      REQUIRE(value <= max_phi);
      last = value;
    }
    phi.missed();
    REQUIRE(phi.phi(now) >= last);
    last = phi.phi(now);
  }
  CHECK(last == max_phi);
  phi.asked(now);
  phi.answered(now + 1ms);
  CHECK(phi.phi(now) == 0);
}

TEST_CASE("phi: the time-out follows the peer: short on a LAN, long on a WAN, within its bounds") {
  Instant now{1'000'000'000};
  const auto timeout = [&](Duration base, Duration jitter, int count) {
    return trained(base, jitter, count, now).timeout(500ms, 100ms, 800ms);
  };
  CHECK(timeout(500us, 500us, 100) == 100ms);
  CHECK(timeout(200ms, 50ms, 100) > 250ms);
  CHECK(timeout(200ms, 50ms, 100) < 800ms);
  CHECK(timeout(900ms, 90ms, 100) == 800ms);
  CHECK(timeout(500us, 500us, static_cast<int>(min_round_trips) - 1) == 500ms);
  CHECK(timeout(500us, 500us, static_cast<int>(min_round_trips)) < 500ms);
}

TEST_CASE("phi: a lossy peer's silence means less than a good one's") {
  Instant now{1'000'000'000};
  auto good = trained(1ms, 1ms, 200, now);
  auto lossy = good;
  for (int i = 0; i < 100; ++i) {
    for (auto* phi : {&good, &lossy}) phi->asked(now);
    good.answered(now + 1ms);
    if (i % 3 == 0) lossy.missed();
    else lossy.answered(now + 1ms);
    now = now + 1s;
  }
  lossy.asked(now);
  lossy.answered(now + 1ms);
  for (auto* phi : {&good, &lossy}) {
    phi->missed();
    phi->missed();
  }
  CHECK(good.phi(now) > 2 * lossy.phi(now));
  CHECK(lossy.phi(now) > 0);
}

TEST_CASE("phi: an answer by way of others ends a silence and says nothing of the round trip") {
  Instant now{1'000'000'000};
  auto phi = trained(1ms, 1ms, 20, now);
  phi.missed();
  phi.asked(now);
  phi.heard();
  CHECK(phi.phi(now + 10s) == 0);
  CHECK(phi.round_trips() == 20);
}

TEST_CASE("phi: silence of heartbeats counts, grows, and ends with the link or with a beat") {
  PhiDetector phi;
  Instant now{1'000'000'000};
  for (int i = 0; i < 20; ++i) phi.beat(now = now + 100ms);
  CHECK(phi.phi(now) < 0.01);
  CHECK(phi.phi(now + 100ms) < 1);
  double last = 0;
  for (auto silence = 100ms; silence <= 5s; silence += 100ms) {
    CHECK(phi.phi(now + silence) >= last);
    last = phi.phi(now + silence);
  }
  CHECK(phi.phi(now + 700ms) > 4);  // the contract's limit
  CHECK(phi.phi(now + 24h) <= max_phi);
  auto closed = phi;
  closed.beats_ended();
  CHECK(closed.phi(now + 10s) == 0);
  auto paused = phi;
  paused.postpone(10s);
  CHECK(paused.phi(now + 10s) < 0.01);
  phi.beat(now + 5s);
  CHECK(phi.phi(now + 5s) < 0.01);
}
