#include "coterie/gossip/broadcast_queue.hpp"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::gossip;

TEST_CASE("broadcast queue: the retransmit limit counts decimal digits") {
  for (const auto& [members, limit] :
       {std::pair{1, 4}, {9, 4}, {10, 8}, {99, 8}, {100, 12}, {9999, 16}})
    CHECK(retransmit_limit(4, static_cast<std::size_t>(members)) ==
          static_cast<std::uint32_t>(limit));
}

TEST_CASE("broadcast queue: a message is sent as often as the limit says, then it is gone") {
  BroadcastQueue queue(4);
  queue.push("a", {1});
  for (int i = 0; i < 4; ++i) CHECK(queue.take(100, 2, 5).size() == 1);
  CHECK(queue.empty());
}

TEST_CASE("broadcast queue: newer news about a subject replaces older news") {
  BroadcastQueue queue(4);
  queue.push("a", {1});
  queue.push("a", {2});
  CHECK(queue.size() == 1);
  CHECK(queue.take(100, 2, 1) == std::vector<Bytes>{{2}});
}

TEST_CASE(
    "broadcast queue: fewest transmissions first, then larger, then newer, within the budget") {
  BroadcastQueue queue(4);
  queue.push("old", {1});
  (void)queue.take(100, 2, 1);
  queue.push("small", {2});
  queue.push("large", {3, 3, 3});
  queue.push("newer", {4});
  CHECK(queue.take(100, 2, 1) == std::vector<Bytes>{{3, 3, 3}, {4}, {2}, {1}});
  CHECK(queue.take(2, 2, 1).empty());
  CHECK(queue.take(3, 2, 1).size() == 1);
}
