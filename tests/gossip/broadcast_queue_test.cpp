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

TEST_CASE("broadcast queue: users have a quarter of the bytes in a storm of membership news") {
  BroadcastQueue queue(4);
  std::size_t user_bytes = 0, all_bytes = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 40; ++i) queue.push("m" + std::to_string(round * 40 + i), Bytes(60, 0));
    for (int i = 0; i < 3; ++i)
      queue.push("u" + std::to_string(round * 3 + i), Bytes(400, 1), BroadcastClass::user);
    for (const auto& message : queue.take(1300, 2, 1000)) {
      all_bytes += message.size() + 2;
      if (message[0] == 1) user_bytes += message.size() + 2;
    }
  }
  CHECK(user_bytes * 100 >= all_bytes * 24);  // the deficit of the last round is still owed
  CHECK(user_bytes * 100 <= all_bytes * 40);
}

TEST_CASE("broadcast queue: membership takes what users leave, and the reverse") {
  BroadcastQueue queue(4);
  for (int i = 0; i < 20; ++i) queue.push("m" + std::to_string(i), Bytes(98, 0));
  CHECK(queue.take(1000, 2, 5).size() == 10);
  BroadcastQueue users(4);
  for (int i = 0; i < 20; ++i)
    users.push("u" + std::to_string(i), Bytes(98, 1), BroadcastClass::user);
  CHECK(users.take(1000, 2, 5).size() == 10);
}

TEST_CASE("broadcast queue: users' messages are bounded, the most transmitted makes place") {
  BroadcastQueue queue(4);
  queue.push("first", {1}, BroadcastClass::user);
  (void)queue.take(100, 2, 1);
  for (std::size_t i = 0; i < max_user_broadcasts; ++i)
    queue.push(std::to_string(i), {2}, BroadcastClass::user);
  CHECK(queue.size() == max_user_broadcasts);
  CHECK_FALSE(queue.contains("first"));
  CHECK(queue.contains("0"));
}

TEST_CASE("broadcast queue: a message is in one datagram once") {
  BroadcastQueue queue(4);
  queue.push("u", {1}, BroadcastClass::user);
  queue.push("m", {2});
  CHECK(queue.take(1000, 2, 1) == std::vector<Bytes>{{1}, {2}});
}
