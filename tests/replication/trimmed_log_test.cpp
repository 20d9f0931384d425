/// Logs that begin behind what was trimmed, where the simulator does not go: an operator gave up
/// what a copy has as committed.
#include <doctest/doctest.h>

#include <functional>

#include "coterie/replication/shard_log/replica.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;

namespace {

const Replica a{"a", 1}, b{"b", 2};
const Instant begin{1'000'000'000};

/// `a` leads epoch 5 with a log of 8 and its barrier; `b` comes as a learner.
ShardReplica leader() {
  ShardReplica replica({}, a, StartId{1},
                       {.starts = {{Epoch{1}, LogIndex{1}}}, .last = LogIndex{8}});
  (void)replica.assigned(
      {.epoch = Epoch{5}, .primary = a, .start = StartId{1}, .in_sync = {a}, .replicas = {a, b}},
      begin);
  (void)replica.persisted(1, begin);
  REQUIRE(replica.serves());
  return replica;
}

/// Records 11 to 15 are left to it, of an epoch that nobody else remembers.
ShardReplica follower(LogIndex base = LogIndex{10}, Epoch before = Epoch{2}) {
  return {{},
          b,
          StartId{1},
          {.base = {base, before},
           .starts = {{Epoch{2}, next(base)}},
           .last = LogIndex{base.value + 5}}};
}

/// What each says reaches the other, until nothing is said; the disks answer at once, and what the
/// leader asks of its own is in `log`.
void talk(ShardReplica& one, ShardReplica& other) {
  auto now = begin;
  std::uint64_t batches[2] = {2, 1};
  std::vector<Message> way;
  ShardReplica* both[2] = {&one, &other};
  std::function<void(int, Effects)> take = [&](int who, Effects effects) {
    for (auto& effect : effects) {
      if (auto* send = std::get_if<Send>(&effect)) way.push_back(send->message);
      if (auto* persist = std::get_if<Persist>(&effect)) {
        CHECK(persist->batch == batches[who]++);
        take(who, both[who]->persisted(persist->batch, now));
      }
      if (auto* read = std::get_if<ReadLog>(&effect)) {
        std::vector<Entry> entries;
        for (auto i = read->from; i <= one.last(); i = next(i))
          entries.push_back({i == one.last() ? Epoch{5} : Epoch{1}, i == one.last(), Bytes{1}});
        take(who, both[who]->log_read(*read, std::move(entries)));
      }
    }
  };
  for (int round = 0; round < 20; ++round) {
    now = now + 100ms;
    take(0, one.tick(now));
    for (int i = 0; i < 20 && !way.empty(); ++i)
      for (const auto& message : std::exchange(way, {})) {
        const int who = message.to == a ? 0 : 1;
        take(who, both[who]->receive(message, now));
      }
  }
}

}  // namespace

TEST_CASE("trimmed log: who has as committed what its primary never had begins anew") {
  for (const std::uint64_t base : {20, 10, 9, 8, 7, 3}) {
    INFO("trimmed up to " << base);
    auto one = leader();
    auto other = follower(LogIndex{base});
    talk(one, other);
    CHECK(other.last() == one.last());
    CHECK(other.first() == LogIndex{1});
    CHECK(one.lag() == 0);
  }
}

TEST_CASE("trimmed log: so does who agrees up to its base, and not on what comes behind it") {
  auto one = leader();
  auto other = follower(LogIndex{8}, Epoch{1});
  talk(one, other);
  CHECK(other.last() == one.last());
  CHECK(other.first() == LogIndex{1});
}

TEST_CASE("trimmed log: an entry from before it was trimmed changes nothing") {
  auto other = follower();
  const auto effects =
      other.receive({a, b, Epoch{5}, Append{LogIndex{3}, Epoch{1}, {}, 7, {}}}, begin);
  CHECK(other.first() == LogIndex{11});
  CHECK(other.last() == LogIndex{15});
  bool refused = false;
  for (const auto& effect : other.persisted(1, begin))
    if (const auto* send = std::get_if<Send>(&effect))
      if (const auto* answer = std::get_if<Refused>(&send->message.body))
        refused = answer->hint == LogIndex{11};
  CHECK(refused);
  (void)effects;
}
