/// What the simulator's schedules do not reach in the shard log.
#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/replication/shard_log/replica.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;

namespace {

const Replica a{"a", 1}, b{"b", 2};
const Instant begin{1'000'000'000};

template <class Effect>
std::size_t count(const Effects& effects) {
  return static_cast<std::size_t>(std::count_if(effects.begin(), effects.end(), [](const auto& e) {
    return std::holds_alternative<Effect>(e);
  }));
}

Assignment led_by_a(std::uint64_t epoch, std::vector<Replica> in_sync) {
  return {.epoch = Epoch{epoch},
          .primary = a,
          .start = StartId{1},
          .in_sync = std::move(in_sync),
          .replicas = {a, b},
          .min_in_sync = 1};
}

/// `a` leads epoch 1 with `b` in sync, and serves.
ShardReplica serving() {
  ShardReplica replica({}, a, StartId{1}, {});
  (void)replica.assigned(led_by_a(1, {a, b}), begin);
  (void)replica.persisted(1, begin);
  (void)replica.receive({b, a, Epoch{1}, Accepted{LogIndex{1}, 1}}, begin);
  REQUIRE(replica.serves());
  return replica;
}

}  // namespace

TEST_CASE("shard replica: a round ends when who did not confirm is in sync no longer") {
  auto replica = serving();
  CHECK(count<ReadReady>(replica.read(7, begin)) == 0);
  const auto alone = replica.assigned(led_by_a(2, {a}), begin + 1s);
  CHECK(count<ReadReady>(alone) == 1);
}

TEST_CASE(
    "shard replica: who is to have no copy any more is proposed out of I, unless too few remain") {
  auto replica = serving();
  auto without = led_by_a(2, {a, b});
  without.replicas = {a};
  (void)replica.assigned(without, begin + 1s);
  const auto effects = replica.tick(begin + 1100ms);
  REQUIRE(count<Propose>(effects) == 1);
  for (const auto& effect : effects)
    if (const auto* propose = std::get_if<Propose>(&effect))
      CHECK(propose->desired.in_sync == std::vector<Replica>{a});
  auto other = serving();
  without.min_in_sync = 2;
  (void)other.assigned(without, begin + 1s);
  CHECK(count<Propose>(other.tick(begin + 1100ms)) == 0);
}

TEST_CASE("shard replica: its own pause is nobody's silence, and silence beyond it counts") {
  auto replica = serving();
  auto now = begin;
  CHECK(count<Propose>(replica.tick(now = now + 60s)) == 0);
  std::size_t proposed = 0;
  for (int i = 0; i < 10 && proposed == 0; ++i)
    proposed = count<Propose>(replica.tick(now = now + 150ms));  // each of them late
  CHECK(proposed == 1);
  CHECK(now - begin < 60s + 1500ms);
}

TEST_CASE("shard replica: the numbers of its writes go on where they are told to") {
  ShardReplica replica({}, a, StartId{1}, {.first_batch = 40});
  CHECK(replica.next_batch() == 40);
  for (const auto& effect : replica.assigned(led_by_a(1, {a}), begin))
    if (const auto* persist = std::get_if<Persist>(&effect)) CHECK(persist->batch == 40);
  CHECK(replica.next_batch() == 41);
}

TEST_CASE("shard replica: what a sole copy has recorded reaches who comes later from its disk") {
  ShardReplica replica({}, a, StartId{1}, {});
  auto alone = led_by_a(1, {a});
  alone.replicas = {a};
  (void)replica.assigned(alone, begin, Bytes{0});
  (void)replica.persisted(1, begin);
  Effects out;
  std::vector<Entry> disk{{Epoch{1}, true, {0}}};
  for (std::uint8_t i = 1; i <= 3; ++i) REQUIRE(replica.append({i}, out));
  for (auto& effect : out)
    if (auto* persist = std::get_if<Persist>(&effect))
      disk.insert(disk.end(), persist->entries.begin(), persist->entries.end());
  REQUIRE(disk.size() == 4);
  CHECK(disk[3].record == Bytes{3});
  // None of them is on the disk yet, and one more copy is wanted.
  auto effects = replica.assigned(led_by_a(2, {a}), begin + 1s, Bytes{9});
  const Replica to = b;
  const auto barrier = replica.last();
  const auto refuse = [&](std::uint64_t number) {
    return replica.receive({b, a, Epoch{2}, Refused{Epoch{2}, LogIndex{1}, number}}, begin + 1s);
  };
  const auto number = [&](const Effects& said) {
    std::uint64_t newest = 0;
    for (const auto& effect : said)
      if (const auto* send = std::get_if<Send>(&effect))
        if (const auto* append = std::get_if<Append>(&send->message.body)) newest = append->number;
    return newest;
  };
  CHECK(count<ReadLog>(refuse(number(effects))) == 1);
  CHECK(replica.log_read({to, LogIndex{1}}, {}).empty());  // the disk has none yet
  for (std::uint64_t batch = 2; batch < replica.next_batch(); ++batch)
    (void)replica.persisted(batch, begin + 1s);
  CHECK(count<ReadLog>(replica.tick(begin + 1100ms)) == 1);  // tried again with the heartbeat
  const auto sent = replica.log_read({to, LogIndex{1}}, disk);
  REQUIRE(count<Send>(sent) == 1);
  for (const auto& effect : sent)
    if (const auto* send = std::get_if<Send>(&effect))
      CHECK(std::get<Append>(send->message.body).entries == disk);
  (void)replica.receive({b, a, Epoch{2}, Accepted{LogIndex{4}, number(sent)}}, begin + 1s);
  CHECK(replica.serves());
  CHECK(replica.commit() == barrier);
}

TEST_CASE("shard replica: it hands over to who is in sync, and only when nothing is on its way") {
  auto replica = serving();
  CHECK(replica.may_hand_over(b));
  CHECK_FALSE(replica.may_hand_over(a));
  CHECK_FALSE(replica.may_hand_over({"b", 3}));  // another disk
  Effects effects;
  REQUIRE(replica.append({}, effects));
  CHECK_FALSE(replica.may_hand_over(b));
}

TEST_CASE(
    "shard replica: after a switch is proposed it takes nothing until a later epoch is seen") {
  auto replica = serving();
  const auto effects = replica.hand_over(b, StartId{9}, begin + 1s);
  REQUIRE(count<Propose>(effects) == 1);
  const auto& desired = std::get<Propose>(effects.back()).desired;
  CHECK(desired.primary == b);
  CHECK(desired.start == StartId{9});
  CHECK(desired.epoch == Epoch{2});
  CHECK(desired.in_sync == std::vector{a, b});
  Effects none;
  CHECK_FALSE(replica.append({}, none));
  CHECK(count<ReadFailed>(replica.read(1, begin)) == 1);
  (void)replica.assigned(led_by_a(2, {a, b}), begin + 1s);  // somebody else's change landed first
  CHECK_FALSE(replica.serves());
  (void)replica.persisted(2, begin + 1s);
  (void)replica.receive({b, a, Epoch{2}, Accepted{LogIndex{2}, 2}}, begin + 1s);
  CHECK(replica.serves());  // behind the barrier of that epoch
}

TEST_CASE("shard replica: a switch whose outcome stays unknown is taken back by a later proposal") {
  auto replica = serving();
  (void)replica.hand_over(b, StartId{9}, begin);
  const auto proposed = [&](Instant at) {
    for (const auto& effect : replica.tick(at))
      if (const auto* propose = std::get_if<Propose>(&effect)) return propose->desired.primary;
    return Replica{};
  };
  CHECK(proposed(begin + 999ms) == b);
  CHECK(proposed(begin + 1s) == a);
  CHECK(proposed(begin + 1200ms) == a);
}

TEST_CASE(
    "shard replica: a refusal that moves nothing is answered by the next heartbeat, not at once") {
  auto replica = serving();
  Effects effects;
  REQUIRE(replica.append({}, effects));
  const Refused refused{.promised = Epoch{1}, .hint = LogIndex{9}, .number = 2};
  const auto again = replica.receive({b, a, Epoch{1}, refused}, begin);
  CHECK(count<Send>(again) == 0);
  CHECK(count<Send>(replica.tick(begin + 1s)) == 1);
}

TEST_CASE("shard replica: by an operator's word what was committed is given up, by nobody else's") {
  ShardReplica replica({}, b, StartId{1}, {});
  const auto append = [](std::uint64_t epoch, std::uint64_t previous, std::uint64_t of,
                         LogIndex commit) {
    return Message{a, b, Epoch{epoch},
                   Append{.previous = LogIndex{previous},
                          .previous_epoch = Epoch{of},
                          .commit = commit,
                          .number = 1,
                          .entries = {{Epoch{epoch}, false, Bytes{1}}}}};
  };
  (void)replica.receive(append(1, 0, 0, {}), begin);
  (void)replica.persisted(1, begin);
  (void)replica.receive(append(1, 1, 1, LogIndex{2}), begin);
  (void)replica.persisted(2, begin);
  REQUIRE(replica.commit() == LogIndex{2});
  (void)replica.receive(append(3, 1, 1, {}), begin);  // it would cut what is committed
  CHECK(replica.commit() == LogIndex{2});
  auto forced = led_by_a(3, {a});
  forced.forced = Epoch{3};
  (void)replica.assigned(forced, begin);
  CHECK(replica.commit() == LogIndex{0});
  (void)replica.receive(append(3, 1, 1, {}), begin);
  CHECK(replica.last() == LogIndex{2});
}

TEST_CASE(
    "shard replica: all shards of a node beat at the same moments, whenever they began to lead") {
  const auto beats = [](Instant from) {
    ShardReplica replica({}, a, StartId{1}, {});
    (void)replica.assigned(led_by_a(1, {a, b}), from);
    std::vector<Instant> at;
    for (int i = 0; i < 3; ++i) {
      at.push_back(replica.next_deadline());
      CHECK(count<Send>(replica.tick(at.back())) == 1);
    }
    return at;
  };
  const ReplicaConfig config;
  const std::vector<Instant> all{begin + config.heartbeat, begin + 2 * config.heartbeat,
                                 begin + 3 * config.heartbeat};
  CHECK(beats(begin) == all);
  CHECK(beats(begin + 1ns) == all);
  CHECK(beats(begin + config.heartbeat - 1ns) == all);
}
