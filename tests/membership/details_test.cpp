#include "coterie/membership/details.hpp"

#include <doctest/doctest.h>

#include "ground.hpp"

using namespace coterie;
using namespace coterie::membership;

namespace {

const Bytes words{1, 2, 3};

}  // namespace

TEST_CASE(
    "details: what is announced is fetched, from the owner first, then from others, for ever") {
  Details details;
  Random random(1);
  CHECK_FALSE(details.announced("a", details_hash(words), 9, random, start));
  const auto at = details.next_deadline();
  CHECK(at <= start + details_spread * 10);
  CHECK_FALSE(details.due(at - 1ns).has_value());
  const auto first = details.due(at);
  REQUIRE(first.has_value());
  CHECK(first->name == "a");
  CHECK(first->from_owner);
  CHECK_FALSE(details.due(at).has_value());
  CHECK(details.next_deadline() == at + details_retry);
  CHECK_FALSE(details.due(at + details_retry)->from_owner);
  CHECK(details.due(at + details_retry * 3)->from_owner);  // twice as long
  CHECK_FALSE(details.due(at + details_retry * 3).has_value());
  CHECK(details.next_deadline() == at + details_retry * 7);
  CHECK_FALSE(details.fetched("a", Bytes{9}));  // not what was announced
  CHECK(details.find("a") == nullptr);
  CHECK(details.fetched("a", words));
  CHECK(*details.find("a") == words);
  CHECK_FALSE(details.fetched("a", words));  // no news
  (void)details.due(start + 1h);
  CHECK(details.next_deadline() == never);
}

TEST_CASE("details: a new announcement makes the old ones untrue, none forgets them") {
  Details details;
  Random random(1);
  (void)details.announced("a", details_hash(words), 9, random, start);
  CHECK(details.fetched("a", words));
  CHECK_FALSE(details.announced("a", details_hash(words), 9, random, start));
  CHECK(details.announced("a", 7, 9, random, start));
  CHECK(details.find("a") == nullptr);
  CHECK_FALSE(details.announced("a", 0, 9, random, start));
  CHECK_FALSE(details.fetched("a", {}));
  CHECK(details_hash({}) == 0);
  CHECK(details_hash(words) != 0);
}

TEST_CASE("details: all members together have a bound") {
  Details details;
  Random random(1);
  const Bytes large(64 * 1024, 1);
  const auto most = max_details_total / large.size();
  for (std::size_t i = 0; i <= most; ++i) {
    const auto name = "n" + std::to_string(i);
    (void)details.announced(name, details_hash(large), 9, random, start);
    CHECK(details.fetched(name, large) == (i < most));
  }
  CHECK(details.forget("n0"));
  CHECK_FALSE(details.forget("n0"));
  CHECK(details.fetched("n" + std::to_string(most), large));
}

TEST_CASE("details: more than a member may say is not kept, whatever its hash") {
  Details details;
  Random random(1);
  const Bytes huge(64 * 1024 + 1, 1);
  (void)details.announced("a", details_hash(huge), 9, random, start);
  CHECK_FALSE(details.fetched("a", huge));
}
