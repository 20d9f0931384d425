/// What a core does when a shard changes hands.
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

TEST_CASE("moves: an answer that waited for the disk is unknown once another node leads") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.owner("b", Epoch{2});
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.last().status == code(Errc::unavailable));
  CHECK(bench.reports.back().phase == ShardPhase::idle);
  bench.sync();  // what the journal says of the ended epoch changes nothing
  CHECK(bench.done.size() == 1);
  bench.ask(1);
  CHECK(bench.last().status == code(Errc::unavailable));
}

TEST_CASE(
    "moves: a shard that returns is read only after the journal answered for its earlier epoch") {
  Bench bench;
  bench.ask(0, {1, 1});
  const auto late = std::exchange(bench.appends, {});
  REQUIRE(late.size() == 1);
  bench.owner("b", Epoch{2});
  bench.recoveries.clear();
  bench.recovers = false;
  bench.owner("a", Epoch{3});
  for (const auto& [token, shards] : bench.recoveries)
    CHECK(std::find(shards.begin(), shards.end(), late[0].shard) == shards.end());
  const auto before = bench.recoveries.size();
  bench.core.journal(replication::Appended{late[0].shard, late[0].epoch, late[0].index}, bench.now,
                     bench);
  REQUIRE(bench.recoveries.size() == before + 1);
  CHECK(bench.recoveries.back().second == std::vector{late[0].shard});
}

TEST_CASE("moves: parts of a recovery that a later epoch overtook are ignored") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.sync();
  const auto shard = sharding::shard_of(sharding::entity_hash("x"));
  std::vector<Bytes> log;
  for (const auto& [at, record] : bench.disk)
    if (at.first == shard) log.push_back(record);
  REQUIRE(log.size() == 2);
  bench.recovers = false;
  bench.owner("b", Epoch{2});
  bench.owner("a", Epoch{3});
  const auto overtaken = bench.recoveries.back().first;
  bench.core.journal(replication::Recovered{overtaken, {log[0]}}, bench.now, bench);
  bench.owner("b", Epoch{4});
  bench.owner("a", Epoch{5});
  const auto current = bench.recoveries.back().first;
  REQUIRE(current != overtaken);
  bench.core.journal(replication::Recovered{overtaken, {log[1]}}, bench.now, bench);
  bench.core.journal(replication::RecoveryFinished{overtaken, {shard}, {}}, bench.now, bench);
  CHECK(bench.appends.empty());
  bench.core.journal(replication::Recovered{current, log}, bench.now, bench);
  bench.core.journal(replication::RecoveryFinished{current, {shard}, {}}, bench.now, bench);
  REQUIRE(bench.appends.size() == 1);
  CHECK(bench.appends[0].index == LogIndex{3});
  CHECK(bench.appends[0].barrier);
}

TEST_CASE("moves: a snapshot older than what this core was told changes no route back") {
  Bench bench;
  bench.owner("a", Epoch{5});
  bench.sync();
  const auto reports = bench.reports.size();
  bench.owner("b", Epoch{2});
  CHECK(bench.reports.size() == reports);
  bench.ask(0);
  bench.sync();
  CHECK(bench.last().status == 0);
}

TEST_CASE("moves: commands that waited for a recovery find the way to the new owner") {
  Bench bench(false);
  bench.recovers = false;
  bench.owner("a", Epoch{1});
  bench.ask(0);
  CHECK(bench.core.parked() == 1);
  bench.owner("b", Epoch{2});  // which is down: the command is answered, not kept
  CHECK(bench.core.parked() == 0);
  CHECK(bench.last().status == code(Errc::unavailable));
}
