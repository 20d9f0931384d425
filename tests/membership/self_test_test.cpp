#include "coterie/membership/self_test.hpp"

#include <doctest/doctest.h>

#include "ground.hpp"

using namespace coterie;
using namespace coterie::membership;
using Verdict = SelfTest::Verdict;

namespace {

/// One round from `now` on with so many answers; what it says.
Verdict round(SelfTest& test, Instant now, std::uint32_t answers) {
  test.begin(100, self_test_pings, now + 500ms);
  for (std::uint32_t i = 0; i < answers; ++i) CHECK(test.answered(100 + i, now + 1ms));
  return test.judge(now + 500ms);
}

}  // namespace

TEST_CASE("self test: one accuser means a bad link, two within the window a doubt") {
  SelfTest test(30s);
  CHECK_FALSE(test.accused("a", start));
  CHECK_FALSE(test.accused("a", start + 1s));
  CHECK(test.accused("b", start + 2s));
  CHECK_FALSE(test.accused("c", start + 1s + accusation_window + 2s));  // the others are forgotten
}

TEST_CASE("self test: enough answers end a round at once, one less does not") {
  SelfTest test(30s);
  test.begin(7, self_test_pings, start + 500ms);
  for (std::uint32_t i = 0; i + 1 < self_test_answers; ++i) CHECK(test.answered(7 + i, start));
  CHECK(test.judge(start) == Verdict::none);
  CHECK(test.answered(7, start));  // the same answer again is none
  CHECK(test.judge(start) == Verdict::none);
  CHECK(test.answered(7 + self_test_pings - 1, start));
  CHECK(test.judge(start) == Verdict::well);
  CHECK_FALSE(test.answered(8, start));  // the round is over
  test.begin(7, self_test_pings, start + 500ms);
  CHECK_FALSE(test.answered(6, start));
  CHECK_FALSE(test.answered(7 + self_test_pings, start));
}

TEST_CASE("self test: two failed rounds in a row make a member step down, one does not") {
  SelfTest test(30s);
  CHECK(round(test, start, self_test_answers - 1) == Verdict::none);
  CHECK_FALSE(test.wants_round(start + 500ms));
  CHECK(test.wants_round(start + 1s));
  CHECK(round(test, start + 1s, self_test_answers) == Verdict::well);
  CHECK(round(test, start + 2s, 0) == Verdict::none);
  CHECK(round(test, start + 3s, 0) == Verdict::step_down);
}

TEST_CASE(
    "self test: it comes back after a probation without a failed round, and twice as long "
    "when it falls again") {
  SelfTest test(30s);
  auto now = start;
  for (const auto sentence : {30s, 60s, 120s}) {
    test.step_down(true, now);
    CHECK_FALSE(test.in_office());
    CHECK(test.sentence() == sentence);
    CHECK(round(test, now, self_test_answers) == Verdict::none);
    now = now + 20s;
    CHECK(round(test, now, 0) == Verdict::none);  // begins anew
    now = now + 10s;
    CHECK(round(test, now, self_test_answers) == Verdict::none);
    CHECK(round(test, now + sentence - 1s, self_test_answers) == Verdict::none);
    CHECK(round(test, now + sentence, self_test_answers) == Verdict::come_back);
    CHECK(test.in_office());
    now = now + sentence + 1s;
  }
  now = now + flap_memory;
  test.step_down(true, now);
  CHECK(test.sentence() == 30s);
}

TEST_CASE(
    "self test: whom nobody condemned comes back after two good rounds, having asked others") {
  SelfTest test(30s);
  test.step_down(false, start);
  CHECK(round(test, start, 0) == Verdict::none);
  CHECK(round(test, start + 2s, self_test_answers) == Verdict::inquire);
  CHECK(round(test, start + 4s, self_test_answers) == Verdict::come_back);
  test.step_down(false, start + 60s);
  CHECK(test.sentence() == 30s);  // it was no fall
  CHECK(round(test, start + 60s, self_test_answers) == Verdict::inquire);
  test.condemn();  // the others held it dead
  CHECK(test.condemned());
  CHECK(round(test, start + 62s, self_test_answers) == Verdict::none);
  CHECK(round(test, start + 91s, self_test_answers) == Verdict::none);
  CHECK(round(test, start + 92s, self_test_answers) == Verdict::come_back);
}

TEST_CASE("self test: of few members one that answers well is proof, of many it is not") {
  for (const std::size_t asked : {2, 3, 4}) {
    SelfTest test(30s);
    test.begin(100, asked, start + 500ms);
    for (std::uint32_t i = 0; i < self_test_pings; i += static_cast<std::uint32_t>(asked))
      if (asked < 4 || i % 8 == 0) (void)test.answered(100 + i, start);
    CHECK((test.judge(start + 500ms) == Verdict::well) == (asked <= few_members));
  }
  SelfTest test(30s);
  test.begin(1, 40, start + 500ms);
  test.cancel();
  CHECK(test.next_deadline() == never);
  CHECK(test.judge(start + 1s) == Verdict::none);
}
