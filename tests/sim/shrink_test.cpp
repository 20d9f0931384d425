/// A failure is repeated with fewer of its faults.
#include "coterie/sim/shrink.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/sim/ledger_run.hpp"

using namespace coterie;

namespace {

using Numbers = std::vector<std::size_t>;

bool has(const Numbers& numbers, std::size_t number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

TEST_CASE("shrink: what is needed stays, and nothing else") {
  std::size_t tries = 0;
  const auto needs = [&](Numbers wanted) {
    return [&tries, wanted](const Numbers& some) {
      ++tries;
      return std::all_of(wanted.begin(), wanted.end(), [&](auto n) { return has(some, n); });
    };
  };
  CHECK(sim::shrink(40, 1000, needs({3, 17, 39})) == Numbers{3, 17, 39});
  CHECK(tries < 60);
  CHECK(sim::shrink(40, 1000, needs({})).empty());
  CHECK(sim::shrink(0, 1000, needs({})).empty());
  CHECK(sim::shrink(1, 1000, needs({0})) == Numbers{0});
}

TEST_CASE("shrink: after the last try the least that was seen to fail is the answer") {
  std::size_t tries = 0;
  const auto fails = [&](const Numbers& some) { return ++tries, has(some, 0); };
  const auto left = sim::shrink(64, 3, fails);
  CHECK(tries == 3);
  CHECK(left.size() == 32);
  CHECK(has(left, 0));
}

TEST_CASE("shrink: a fault that is left out changes no other one") {
  const auto all = sim::run_ledger(6);
  const auto none = sim::run_ledger(6, {.only = Numbers{}});
  REQUIRE(all.faults.size() > 1);
  CHECK(all.passed);
  CHECK(none.passed);
  CHECK_FALSE(all.happened == sim::FaultCounts{});
  CHECK(none.happened == sim::FaultCounts{});
  REQUIRE(none.faults.size() == all.faults.size());
  for (std::size_t i = 0; i < all.faults.size(); ++i)
    CHECK(describe(i, all.faults[i]) == describe(i, none.faults[i]));
  Numbers every(all.faults.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
  CHECK(sim::run_ledger(6, {.only = every}).trace == all.trace);
}
