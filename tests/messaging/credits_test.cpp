#include "coterie/messaging/credits.hpp"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::messaging;

namespace {
constexpr Instant now{1'000'000'000};
constexpr auto credit_messages = CreditConfig{}.messages, credit_bytes = CreditConfig{}.bytes;
constexpr std::uint64_t often = 64;
}  // namespace

TEST_CASE(
    "credits: a group takes as many messages as its window has, and the others are not asked") {
  CreditWindow window;
  for (std::uint64_t i = 0; i < credit_messages; ++i) {
    REQUIRE(window.may_send(3, 100, now));
    window.sent(3, 100, now);
  }
  CHECK_FALSE(window.may_send(3, 100, now));
  CHECK(window.may_send(4, 100, now));
  CHECK(window.granted({3, 1, 100}));
  CHECK(window.may_send(3, 100, now));
}

TEST_CASE("credits: a group takes as many bytes as its window has, and always one message") {
  CreditWindow window;
  CHECK(window.may_send(0, credit_bytes * 2, now));
  window.sent(0, credit_bytes - 10, now);
  CHECK(window.may_send(0, 10, now));
  CHECK_FALSE(window.may_send(0, 11, now));
}

TEST_CASE("credits: what is not taken for too long holds up what comes behind it") {
  CreditWindow window;
  constexpr auto delay = CreditConfig{}.delay;
  for (int i = 0; i < 100; ++i) window.sent(1, 10, now);
  CHECK(window.may_send(1, 10, now + delay));
  CHECK_FALSE(window.may_send(1, 10, now + delay + 1ns));
  CHECK(window.may_send(2, 10, now + delay + 1ns));
  CHECK(window.granted({1, 16, 160, 16}));
  CHECK_FALSE(window.may_send(1, 10, now + delay + 1ns));
  CHECK(window.granted({1, 16, 160, 64}));  // what has arrived may wait there
  CHECK(window.may_send(1, 10, now + delay + 1ns));
}

TEST_CASE("credits: a sender that is slow is never taken for one that waits") {
  CreditWindow window;
  auto later = now;
  for (std::uint64_t i = 1; i <= 1000; ++i, later = later + 1s) {
    REQUIRE(window.may_send(1, 10, later));
    window.sent(1, 10, later);
    if (i % often == 1 && i > 1) CHECK(window.granted({1, 0, 0, i - 1}));  // one too late
  }
}

TEST_CASE("credits: a grant that got lost is made good by the next one, and none counts twice") {
  CreditWindow window;
  for (int i = 0; i < 100; ++i) window.sent(1, 10, now);
  CHECK(window.granted({1, 60, 600}));
  CHECK(window.granted({1, 60, 600}));
  CHECK(window.under_way() == 40);
  CHECK(window.granted({1, 100, 1000}));
  CHECK(window.under_way() == 0);
}

TEST_CASE("credits: more than was sent cannot be granted") {
  CreditWindow window;
  window.sent(1, 10, now);
  CHECK_FALSE(window.granted({1, 2, 10}));
  CHECK_FALSE(window.granted({1, 1, 11}));
  CHECK_FALSE(window.granted({1, 1, 10, 2}));
  CHECK(window.granted({1, 1, 10}));
  CHECK_FALSE(window.granted({1, 0, 0}));
}

TEST_CASE("credits: a grant is due after 64 messages") {
  CreditLedger ledger;
  for (std::uint64_t i = 0; i < often - 1; ++i) ledger.arrived(2, 1);
  CHECK(ledger.due().empty());
  ledger.arrived(2, 1);
  const auto due = ledger.due();
  CHECK(due == std::vector<Grant>{{2, often, often, often}});
  ledger.told(due);
  CHECK(ledger.due().empty());
}

TEST_CASE("credits: what waits has arrived, and is taken when it waits no longer") {
  CreditLedger ledger;
  for (std::uint64_t i = 0; i < often; ++i) ledger.arrived(2, 1);
  ledger.held(2, 1);
  CHECK(ledger.due() == std::vector<Grant>{{2, often - 1, often - 1, often}});
  ledger.told(ledger.due());
  ledger.freed(2, 1);
  CHECK(ledger.due().empty());
  for (std::uint64_t i = 0; i < often; ++i) ledger.arrived(2, 1);
  CHECK(ledger.due() == std::vector<Grant>{{2, 2 * often, 2 * often, 2 * often}});
}

TEST_CASE("credits: a quarter of the bytes is due as well") {
  CreditLedger ledger;
  ledger.arrived(0, credit_bytes / 4 - 1);
  CHECK(ledger.due().empty());
  ledger.arrived(0, 1);
  CHECK(ledger.due().size() == 1);
}

TEST_CASE("credits: grants survive their bytes, and strange bytes are refused") {
  const std::vector<Grant> grants{{0, 1, 2, 3}, {7, UINT64_MAX, 3, 4}};
  CHECK(decode_grants(encode(grants)) == grants);
  CHECK(encode({{1, 2, 3, 4}}) ==
        Bytes{1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0});
  auto bytes = encode({{7, 1, 1, 1}});
  CHECK_FALSE(decode_grants({}));
  CHECK_FALSE(decode_grants(ByteView(bytes).first(24)));
  bytes[0] = 8;
  CHECK_FALSE(decode_grants(bytes));
}
