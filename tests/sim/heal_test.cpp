#include <doctest/doctest.h>

#include "coterie/sim/heal_run.hpp"

using namespace coterie;

TEST_CASE("heal: whatever the split, the pool is one again within 90 s of its repair") {
  for (const auto& which : sim::heal_cases()) {
    INFO(which.name);
    const auto result = sim::run_heal(which, 11);
    CHECK(result.noticed);
    REQUIRE(result.healed_s.has_value());
    CHECK(*result.healed_s <= 90);
  }
}
