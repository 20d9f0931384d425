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
  CHECK(bench.reports.back().phase == ShardPhase::backup);
  bench.sync();  // what the journal says of the ended epoch changes nothing
  CHECK(bench.done.size() == 1);
  bench.ask(1);
  CHECK(bench.last().status == code(Errc::unavailable));
}

TEST_CASE("moves: a shard that returns is led on from its log, behind a barrier of the new epoch") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.sync();
  bench.owner("b", Epoch{2});
  bench.owner("a", Epoch{3});
  const auto shard = shard_of_x;
  const auto barrier = std::find_if(bench.appends.begin(), bench.appends.end(),
                                    [&](const auto& append) { return append.shard == shard; });
  REQUIRE(barrier != bench.appends.end());
  CHECK(barrier->index == LogIndex{3});
  CHECK(barrier->promises);
  CHECK(barrier->epoch == Epoch{3});
  bench.ask(0, {1, 1});
  CHECK(bench.done.size() == 1);  // it waits for the barrier
  bench.sync();
  CHECK(bench.last().value == 1);  // and is the repeat of what had its effect
}

TEST_CASE("moves: parts of a recovery that another one overtook are ignored") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.sync();
  bench.ask(0, {1, 2});
  const auto refused = std::exchange(bench.appends, {});
  const auto shard = refused.at(0).shard;
  std::vector<Bytes> log;
  for (const auto& [at, record] : bench.disk)
    if (at.first == shard) log.push_back(record);
  REQUIRE(log.size() == 2);
  const std::vector<ShardId> of(2, shard);
  bench.recovers = false;
  const auto fail = [&] {
    bench.core.journal(
        replication::AppendFailed{shard, LogIndex{3}, error(Errc::storage, "full"), false},
        bench.now, bench);
    bench.now = bench.now + 501ms;
    bench.core.tick(bench.now, bench);
    return bench.recoveries.back().first;
  };
  const auto overtaken = fail();
  bench.core.journal(replication::Recovered{overtaken, log, of}, bench.now, bench);
  bench.core.journal(bench.recovery_of(overtaken, {shard}), bench.now, bench);
  const auto current = fail();
  REQUIRE(current != overtaken);
  bench.core.journal(replication::Recovered{overtaken, {log[0]}, {of[0]}}, bench.now, bench);
  bench.core.journal(bench.recovery_of(overtaken, {shard}), bench.now, bench);
  bench.core.tick(bench.now, bench);
  CHECK(bench.proposals.empty());
  bench.core.journal(replication::Recovered{current, log, of}, bench.now, bench);
  bench.core.journal(bench.recovery_of(current, {shard}), bench.now, bench);
  bench.core.tick(bench.now, bench);
  REQUIRE(bench.proposals.size() == 1);
  bench.grant();
  REQUIRE(bench.appends.size() == 1);
  CHECK(bench.appends[0].index == LogIndex{3});
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
  bench.owner("b", Epoch{2});  // which is down, and stays so
  CHECK(bench.core.parked() == 1);
  bench.pass(reroute_wait);
  CHECK(bench.core.parked() == 0);
  CHECK(bench.last().status == code(Errc::unavailable));
}
