#include "coterie/membership/probe_order.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace coterie;
using namespace coterie::membership;

TEST_CASE("probe order: every member is probed within 2N-1 periods, whatever comes and goes") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    ProbeOrder order;
    std::map<MemberTable::Slot, int> waited;  // periods since its last probe or its coming
    MemberTable::Slot next = 0;
    for (; next < 10; ++next) order.insert(next, random), waited[next] = 0;
    for (int period = 0; period < 500; ++period) {
      if (period % 50 == 49) {  // one goes, one comes
        order.erase(waited.begin()->first);
        waited.erase(waited.begin());
        order.insert(next, random);
        waited[next++] = 0;
      }
      const auto probed = order.next(random, [](auto) { return true; });
      REQUIRE(probed.has_value());
      for (auto& [member, periods] : waited) REQUIRE(++periods <= 2 * 10 - 1 + 1);
      waited[*probed] = 0;
    }
  }
}

TEST_CASE("probe order: who is not eligible is passed over, and nobody is nobody") {
  Random random(1);
  ProbeOrder order;
  CHECK_FALSE(order.next(random, [](auto) { return true; }).has_value());
  for (MemberTable::Slot i = 0; i < 5; ++i) order.insert(i, random);
  for (int i = 0; i < 20; ++i)
    CHECK(order.next(random, [](MemberTable::Slot slot) { return slot == 3; }) == 3u);
  CHECK_FALSE(order.next(random, [](auto) { return false; }).has_value());
}
