#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

TEST_CASE("shard: a reply waits for its own event, and a read for the newest event it saw") {
  Bench bench;
  const auto write = bench.ask(0);
  const auto read = bench.ask(1);
  CHECK(bench.done.empty());
  bench.sync();
  REQUIRE(bench.done.size() == 2);
  CHECK(bench.done[0].token == write);
  CHECK(bench.done[1].token == read);
  CHECK(bench.done[1].value == 1);
}

TEST_CASE("shard: a command id has its effect once; a repeat in flight waits for the first") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.ask(0, {1, 1});
  CHECK(bench.appends.size() == 1);
  bench.sync();
  REQUIRE(bench.done.size() == 2);
  CHECK(bench.done[1].value == 1);
  bench.ask(0, {1, 2});
  bench.sync();
  bench.ask(0, {1, 1});
  CHECK(bench.last().value == 1);
}

TEST_CASE("shard: a refusal is not recorded; its retry decides anew") {
  Bench bench;
  bench.ask(2, {1, 1});
  CHECK(bench.last().status == code(Errc::refused));
  bench.ask(0, {1, 1});
  bench.sync();
  CHECK(bench.last().status == 0);
}

TEST_CASE("shard: distinct errors for an unknown type, a large message and a passed deadline") {
  Bench bench;
  bench.ask(0, {}, "x", 5s, EntityTypeId{1});
  CHECK(bench.last().status == code(Errc::unknown_entity_type));
  bench.ask(0, {}, std::string(255, 'x'));
  bench.sync();
  CHECK(bench.last().status == 0);
  bench.ask(0, {}, std::string(256, 'x'));
  CHECK(bench.last().status == code(Errc::message_too_large));
  bench.ask(0, {}, "x", 0s);
  CHECK(bench.last().status == code(Errc::expired));
  bench.ask(0, {}, "x", 10ms);
  bench.now = bench.now + 20ms;
  bench.core.tick(bench.now, bench);
  CHECK(bench.last().status == code(Errc::deadline_exceeded));
}

TEST_CASE("shard: a command that waited past its deadline is not executed") {
  Bench bench(false);
  bench.ask(0, {1, 1}, "x", 10ms);
  bench.now = bench.now + 20ms;
  auto routes = std::make_shared<Routes>();
  routes->cluster = {1, 1};
  routes->table.entity_types = 1;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    routes->table.registers[i] = Bench::led_by("a", Epoch{1});
  }
  bench.core.routes(routes, bench.now, bench);
  bench.sync();
  CHECK(bench.core.counters().expired == 1);
  CHECK(bench.core.counters().events == 0);
}

TEST_CASE("shard: a failed entity restarts from its log after a pause, others do not notice") {
  Bench bench;
  bench.ask(0);
  bench.ask(0, {}, "other");
  bench.sync();
  bench.ask(3);
  CHECK(bench.last().status == code(Errc::fault));
  bench.ask(1);
  CHECK(bench.last().status == code(Errc::unavailable));
  bench.ask(1, {}, "other");
  CHECK(bench.last().value == 1);
  bench.now = bench.now + 1s;
  bench.ask(1);
  bench.read();
  CHECK(bench.last().status == 0);
  CHECK(bench.last().value == 1);
}

TEST_CASE("shard: an entity that keeps failing rests for its cool-down") {
  Bench bench;
  for (int i = 0; i < 6; ++i) {
    bench.ask(3);
    CHECK(bench.last().status == code(Errc::fault));
    bench.now = bench.now + (i < 5 ? 1300ms : 0ms);
  }
  bench.now = bench.now + 1s;
  bench.ask(1);
  CHECK(bench.last().status == code(Errc::unavailable));
  bench.now = bench.now + 10s;
  bench.ask(1);
  CHECK(bench.last().status == 0);
}

TEST_CASE("shard: what the disk refused never happened, is answered so, and works again later") {
  Bench bench;
  bench.ask(0, {1, 1});
  bench.sync();
  bench.ask(0, {1, 2});
  bench.ask(0, {1, 3});
  const auto refused = std::exchange(bench.appends, {});
  REQUIRE(refused.size() == 2);
  bench.core.journal(replication::AppendFailed{refused[0].shard, refused[0].index,
                                               error(Errc::storage, "full"), false},
                     bench.now, bench);
  CHECK(bench.done[bench.done.size() - 2].status == code(Errc::storage));
  CHECK(bench.last().status == code(Errc::storage));
  bench.ask(0, {1, 2});
  CHECK(bench.last().status == code(Errc::storage));
  bench.now = bench.now + 501ms;
  bench.core.tick(bench.now, bench);  // the log is read again
  bench.core.tick(bench.now, bench);  // and led on under a later epoch only
  REQUIRE(bench.proposals.size() == 1);
  CHECK(bench.proposals[0].desired.epoch == Epoch{2});
  CHECK(bench.appends.empty());
  const auto waits = bench.ask(0, {1, 2});
  CHECK(bench.last().token < waits);
  bench.core.tick(bench.now = bench.now + reopen_patience, bench);
  CHECK(bench.last().token == waits);  // the disk may have no room for that epoch either
  CHECK(bench.last().status == code(Errc::storage));
  const auto asked = bench.ask(0, {1, 2});
  CHECK(bench.last().token == asked);
  CHECK(bench.last().status == code(Errc::storage));
  bench.grant();
  bench.ask(0, {1, 2});
  bench.sync();
  bench.read();
  bench.sync();
  CHECK(bench.last().status == 0);
  CHECK(bench.last().value == 2);
}

TEST_CASE("shard: a disk that failed once says nothing of an epoch that came later") {
  Bench bench;
  bench.ask(0);
  const auto refused = std::exchange(bench.appends, {});
  bench.core.journal(replication::AppendFailed{refused[0].shard, refused[0].index,
                                               error(Errc::storage, "full"), false},
                     bench.now, bench);
  bench.recovers = false;
  bench.core.tick(bench.now = bench.now + 501ms, bench);  // its log is being read
  bench.now = bench.now + reopen_patience;
  bench.ask(0);
  CHECK(bench.last().status == code(Errc::storage));
  bench.owner("a", Epoch{5});
  const auto waits = bench.ask(0);
  bench.core.tick(bench.now = bench.now + 200ms, bench);
  CHECK(bench.last().token < waits);
}

TEST_CASE("shard: an idle entity gives its state back and returns from its log") {
  Bench bench;
  bench.ask(0);
  bench.ask(1, {}, "never written");
  bench.sync();
  CHECK(bench.core.entities().active() == 2);
  bench.now = bench.now + 61s;
  for (int i = 0; i < 3; ++i) bench.core.tick(bench.now, bench), bench.now = bench.now + 1s;
  CHECK(bench.core.entities().active() == 0);
  CHECK(bench.core.entities().known() == 1);
  bench.ask(1);
  CHECK(bench.replays.size() == 1);
  bench.read();
  CHECK(bench.last().value == 1);
}

TEST_CASE("shard: one command more than may wait is busy") {
  Bench bench(false);
  for (std::size_t i = 0; i < messaging::max_open_asks; ++i)
    bench.ask(0, {}, "x" + std::to_string(i));
  CHECK(bench.done.empty());
  bench.ask(0);
  CHECK(bench.last().status == code(Errc::busy));
}
