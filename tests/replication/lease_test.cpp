/// Read leases of one replica (replication/src/shard_log/lease.cpp), at their boundaries.
#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/replication/shard_log/replica.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;

namespace {

const Replica a{"a", 1}, b{"b", 2}, c{"c", 3};
const Instant begin{1'000'000'000};
constexpr Duration lease = 100ms;
constexpr Duration grant = lease + lease / lease_drift;  // counted by who grants
const ReplicaConfig config{.lease = lease};

template <class Effect>
std::size_t count(const Effects& effects) {
  return static_cast<std::size_t>(std::count_if(effects.begin(), effects.end(), [](const auto& e) {
    return std::holds_alternative<Effect>(e);
  }));
}

/// The messages of one kind.
template <class Body>
std::vector<Body> said(const Effects& effects) {
  std::vector<Body> out;
  for (const auto& effect : effects)
    if (const auto* send = std::get_if<Send>(&effect))
      if (const auto* body = std::get_if<Body>(&send->message.body)) out.push_back(*body);
  return out;
}

Assignment led_by(const Replica& primary, std::uint64_t epoch) {
  return {.epoch = Epoch{epoch},
          .primary = primary,
          .start = StartId{1},
          .in_sync = {a, b},
          .replicas = {a, b},
          .min_in_sync = 1};
}

/// `a` leads epoch 1 with `b` in sync, and serves.
ShardReplica serving() {
  ShardReplica replica(config, a, StartId{1}, {});
  (void)replica.assigned(led_by(a, 1), begin);
  (void)replica.persisted(1, begin);
  (void)replica.receive({b, a, Epoch{1}, Accepted{LogIndex{1}, 1}}, begin);
  REQUIRE(replica.serves());
  return replica;
}

/// `b` has the barrier of `a`'s epoch 1, and granted `a` a lease at `begin`.
ShardReplica granting() {
  ShardReplica replica(config, b, StartId{1}, {});
  (void)replica.assigned(led_by(a, 1), begin);
  (void)replica.receive({a, b, Epoch{1}, Append{.number = 1, .entries = {{Epoch{1}, true, {}}}}},
                        begin);
  (void)replica.receive({a, b, Epoch{1}, Confirm{1, lease}}, begin);
  CHECK(said<Confirmed>(replica.persisted(1, begin)) == std::vector<Confirmed>{{1, lease}});
  return replica;
}

const Message of_c{c, b, Epoch{2},
                   Append{.previous = LogIndex{1},
                          .previous_epoch = Epoch{1},
                          .number = 1,
                          .entries = {{Epoch{2}, true, {}}}}};

}  // namespace

TEST_CASE("lease: after a round reads need none until it ran out, counted from when it was asked") {
  auto replica = serving();
  CHECK(said<Confirm>(replica.read(1, begin)) == std::vector<Confirm>{{1, lease}});
  const auto answered = begin + 60ms;
  CHECK(count<ReadReady>(replica.receive({b, a, Epoch{1}, Confirmed{1, lease}}, answered)) == 1);
  CHECK(count<ReadReady>(replica.read(2, begin + lease - 1ns)) == 1);
  CHECK(count<ReadReady>(replica.read(3, begin + lease)) == 0);
}

TEST_CASE("lease: a shard that is read renews it from its half on, and not before") {
  auto replica = serving();
  (void)replica.read(1, begin);
  (void)replica.receive({b, a, Epoch{1}, Confirmed{1, lease}}, begin);
  CHECK(said<Confirm>(replica.read(2, begin + lease / 2 - 1ns)).empty());
  CHECK(said<Confirm>(replica.read(3, begin + lease / 2)) == std::vector<Confirm>{{2, lease}});
  (void)replica.receive({b, a, Epoch{1}, Confirmed{2, lease}}, begin + lease / 2);
  CHECK(count<ReadReady>(replica.read(4, begin + lease)) == 1);
}

TEST_CASE("lease: who does not grant, or knows none, makes every read a round") {
  auto replica = serving();
  (void)replica.read(1, begin);
  (void)replica.receive({b, a, Epoch{1}, Confirmed{1}}, begin);
  CHECK(count<ReadReady>(replica.read(2, begin)) == 0);
  ShardReplica none({}, b, StartId{1}, {});
  (void)none.receive({a, b, Epoch{1}, Append{.number = 1, .entries = {{Epoch{1}, true, {}}}}},
                     begin);
  (void)none.receive({a, b, Epoch{1}, Confirm{1, lease}}, begin);
  CHECK(said<Confirmed>(none.persisted(1, begin)) == std::vector<Confirmed>{{1, 0ms}});
  CHECK(none.granted_until() == Instant{});
}

TEST_CASE("lease: nobody else gets the promise before the grant ran out, and then at once") {
  auto replica = granting();
  CHECK(replica.receive(of_c, begin + grant - 1ns).empty());
  CHECK(replica.promised() == Epoch{1});
  CHECK(replica.next_deadline() == begin + grant);
  CHECK(count<Persist>(replica.tick(begin + grant)) == 1);
  CHECK(replica.promised() == Epoch{2});
}

TEST_CASE("lease: who knows that another one is to lead grants nothing more") {
  auto by_message = granting();
  (void)by_message.receive(of_c, begin);
  auto by_register = granting();
  (void)by_register.assigned(led_by(b, 2), begin);
  auto by_shell = granting();
  by_shell.expect(Epoch{2});
  for (auto* replica : {&by_message, &by_register, &by_shell}) {
    const auto out = replica->receive({a, b, Epoch{1}, Confirm{2, lease}}, begin + lease / 2);
    CHECK(said<Confirmed>(out) == std::vector<Confirmed>{{2, 0ms}});
    CHECK(replica->granted_until() == begin + grant);
  }
}

TEST_CASE("lease: what is released binds nobody") {
  auto replica = granting();
  CHECK(replica.receive(of_c, begin).empty());
  CHECK(count<Persist>(replica.receive({a, b, Epoch{1}, Release{}}, begin)) == 1);
  CHECK(replica.promised() == Epoch{2});
}

TEST_CASE("lease: who granted one does not lead before it ran out") {
  auto replica = granting();
  auto assignment = led_by(b, 2);
  (void)replica.assigned(assignment, begin + grant - 1ns);
  CHECK_FALSE(replica.leads());
  CHECK(replica.granted_until() == begin + grant);
  (void)replica.assigned(assignment, begin + grant);
  CHECK(replica.leads());
}

TEST_CASE("lease: who restarted sits out what it may have granted") {
  ShardReplica replica(config, b, StartId{1},
                       {.starts = {{Epoch{1}, LogIndex{1}}},
                        .last = LogIndex{1},
                        .promised = Epoch{1},
                        .opened = begin});
  CHECK(replica.receive(of_c, begin + grant - 1ns).empty());
  CHECK(count<Persist>(replica.tick(begin + grant)) == 1);
  CHECK(replica.promised() == Epoch{2});
}

TEST_CASE("lease: who hands over releases, and no late answer brings the lease back") {
  auto replica = serving();
  (void)replica.read(1, begin);
  (void)replica.receive({b, a, Epoch{1}, Confirmed{1, lease}}, begin);
  (void)replica.read(2, begin + lease / 2);  // its round is on its way
  CHECK(said<Release>(replica.hand_over(b, StartId{1}, begin + lease / 2)).size() == 1);
  (void)replica.receive({b, a, Epoch{1}, Confirmed{2, lease}}, begin + lease / 2);
  (void)replica.assigned(led_by(a, 2), begin + lease / 2);  // taken back
  (void)replica.persisted(2, begin + lease / 2);
  (void)replica.receive({b, a, Epoch{2}, Accepted{LogIndex{2}, 2}}, begin + lease / 2);
  REQUIRE(replica.serves());
  CHECK(count<ReadReady>(replica.read(3, begin + lease / 2)) == 0);
}
