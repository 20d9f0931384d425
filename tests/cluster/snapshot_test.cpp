/// Snapshots, migrations of old events, and the bound on live entities.
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

bool save_value(const void* state, Bytes& out) {
  wire::MsgpackWriter(out).signed_integer(*static_cast<const std::int64_t*>(state));
  return true;
}
bool load_value(void* state, std::uint16_t, ByteView bytes) {
  wire::MsgpackReader in(bytes);
  value(state) = in.signed_integer();
  return in.ok();
}

ShardCoreConfig quick() {
  ShardCoreConfig config;
  config.passivate_after = 1s;
  return config;
}

struct Saving : Bench {
  explicit Saving(std::uint32_t every = 3, ShardCoreConfig config = quick())
      : Bench(false, std::move(config)) {
    types[0].snapshot_every = every;
    types[0].save = &save_value;
    types[0].load = &load_value;
    owner("a", Epoch{1});
    sync();
  }
  void add(int times, const std::string& id = "x") {
    for (int i = 0; i < times; ++i) ask(0, {}, id), sync();
  }
  /// Its state goes; the next command reads it again. How many records that takes.
  std::size_t read_again(std::int64_t expected) {
    now = now + 2s;
    core.tick(now, *this);
    REQUIRE(core.entities().active() == 0);
    ask(1);
    std::size_t records = 0;
    while (!replays.empty()) {
      records = count(std::get<2>(replays[0]), std::get<3>(replays[0]));
      read();
    }
    CHECK(last().status == 0);
    CHECK(last().value == expected);
    return records;
  }
  std::size_t count(LogIndex index, bool whole) {
    const auto shard = shard_of_x;
    std::size_t n = 0;
    while (index != LogIndex{}) {
      ++n;
      const auto& record = disk.at({shard, index});
      if (!whole && replication::is_snapshot(record)) break;
      index = replication::read_record(record).value().previous;
    }
    return n;
  }
};

}  // namespace

TEST_CASE("snapshot: an entity is read from its newest snapshot and the events behind it") {
  Saving bench;
  bench.add(2);
  CHECK(bench.core.counters().snapshots == 0);
  CHECK(bench.read_again(2) == 2);
  bench.add(2);  // the third event is followed by a snapshot
  CHECK(bench.core.counters().snapshots == 1);
  CHECK(bench.read_again(4) == 2);
  bench.add(100);
  CHECK(bench.read_again(104) <= 3);
}

TEST_CASE("snapshot: a primary that takes over goes on counting and reads from it") {
  Saving bench;
  bench.add(4);
  bench.owner("b", Epoch{2});
  bench.owner("a", Epoch{3});
  bench.sync();
  CHECK(bench.read_again(4) == 2);
  bench.add(2);
  CHECK(bench.core.counters().snapshots == 2);
}

TEST_CASE("snapshot: one that this code cannot read is passed over, and all events are read") {
  Saving bench;
  bench.add(4);
  bench.types[0].load = +[](void*, std::uint16_t, ByteView) { return false; };
  CHECK(bench.read_again(4) == 5);  // four events and the snapshot among them
}

TEST_CASE("snapshot: a state that is too large, or whose code throws, is not saved") {
  Saving bench;
  bench.types[0].save =
      +[](const void*, Bytes& out) { return out.resize(max_snapshot_bytes + 1), true; };
  bench.add(3);
  bench.types[0].save = +[](const void*, Bytes&) { return false; };
  bench.add(3);
  CHECK(bench.core.counters().snapshots == 0);
  CHECK(bench.core.counters().snapshots_skipped == 2);
  CHECK(bench.read_again(6) == 6);
}

TEST_CASE("schema: an old event is migrated step by step, a newer one is not guessed at") {
  Saving bench(0);
  bench.add(2);
  bench.types[0].schema = 2;
  bench.types[0].migrate = +[](std::uint16_t schema, std::uint8_t& tag, Bytes& event) {
    CHECK(tag == schema);  // 0, then 1
    event.push_back(static_cast<std::uint8_t>(schema));
    return ++tag, true;
  };
  bench.types[0].evolve = +[](void* state, std::uint8_t tag, ByteView event) {
    value(state) += tag == 2 ? 10 * static_cast<std::int64_t>(event.size()) : 1;
    return true;
  };
  CHECK(bench.read_again(40) == 2);  // two events of twice a byte
  bench.types[0].schema = 0;
  bench.add(1);
  bench.types[0].migrate = nullptr;
  bench.now = bench.now + 2s;
  bench.core.tick(bench.now, bench);
  bench.types[0].schema = 3;
  bench.ask(1);
  bench.read();
  CHECK(bench.last().status != 0);  // nobody can migrate it: it rests, nothing is lost
}

TEST_CASE("live entities: at the bound those that are not in use give their states back") {
  auto config = quick();
  config.max_live_entities = 10;
  Saving bench(0, config);
  for (int i = 0; i < 40; ++i) {
    bench.add(1, "e" + std::to_string(i));
    bench.now = bench.now + 1ms;
    CHECK(bench.core.entities().active() <= 10);
  }
  CHECK(bench.core.entities().known() == 40);
  bench.ask(1, {}, "e0");
  bench.read();
  CHECK(bench.last().value == 1);
}

TEST_CASE("remembered: who has events comes back into memory unasked, at a limited rate") {
  Saving bench(0);
  bench.types[0].remember = true;
  const std::size_t all = remembered_at_once + 50;
  for (std::size_t i = 0; i < all; ++i) bench.add(1, "e" + std::to_string(i));
  bench.ask(1, {}, "without events");
  bench.owner("b", Epoch{2});
  CHECK(bench.core.entities().active() == 0);
  bench.core.tick(bench.now = bench.now + remember_interval, bench);
  CHECK(bench.replays.empty());  // it is another one's now
  bench.owner("a", Epoch{3});
  bench.sync();
  bench.core.tick(bench.now = bench.now + remember_interval, bench);
  CHECK(bench.replays.size() == remembered_at_once);
  bench.core.tick(bench.now = bench.now + remember_interval, bench);
  CHECK(bench.replays.size() == remembered_at_once);  // the disk has not answered yet
  bench.read();
  bench.core.tick(bench.now = bench.now + remember_interval, bench);
  CHECK(bench.replays.size() == 50);
  bench.read();
  CHECK(bench.core.entities().active() == all);
  CHECK(bench.core.counters().remembered == all);
  for (int i = 0; i < 5; ++i) bench.core.tick(bench.now = bench.now + 2s, bench);
  CHECK(bench.core.entities().active() == all);  // idle, and yet there
  bench.ask(1, {}, "e7");
  CHECK(bench.replays.empty());
  bench.sync();
  CHECK(bench.last().value == 1);
}

TEST_CASE("remembered: a command that comes meanwhile waits for the same replay") {
  Saving bench(0);
  bench.types[0].remember = true;
  bench.add(3);
  bench.owner("b", Epoch{2});
  bench.owner("a", Epoch{3});
  bench.sync();
  bench.core.tick(bench.now = bench.now + remember_interval, bench);
  bench.ask(1);
  CHECK(bench.replays.size() == 1);
  bench.read();
  CHECK(bench.last().value == 3);
}

TEST_CASE("remembered: at the bound on live entities none comes back, and commands make room") {
  auto config = quick();
  config.max_live_entities = 10;
  Saving bench(0, config);
  bench.types[0].remember = true;
  for (int i = 0; i < 20; ++i) bench.add(1, "e" + std::to_string(i));
  bench.owner("b", Epoch{2});
  bench.owner("a", Epoch{3});
  bench.sync();
  for (int i = 0; i < 5; ++i)
    bench.core.tick(bench.now = bench.now + remember_interval, bench), bench.read();
  CHECK(bench.core.entities().active() == 10);
  bench.now = bench.now + 1ms;
  for (int i = 0; i < 20; ++i) {
    bench.ask(1, {}, "e" + std::to_string(i));
    bench.read();
    CHECK(bench.last().value == 1);
  }
}
