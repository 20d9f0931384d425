/// A log that is trimmed says what the whole log said: of entities, and of commands.
#include <doctest/doctest.h>

#include "coterie/replication/checkpoint.hpp"
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

constexpr std::uint64_t history = 1000;
constexpr int plenty = 60;  // records, some 130 B each

bool save_counter(const void* state, Bytes& out) {
  return wire::MsgpackWriter(out).signed_integer(*static_cast<const std::int64_t*>(state)), true;
}
bool load_counter(void* state, std::uint16_t schema, ByteView bytes) {
  wire::MsgpackReader in(bytes);
  *static_cast<std::int64_t*>(state) = in.signed_integer();
  return schema == 0 && in.ok();
}

ShardCoreConfig trimming() {
  ShardCoreConfig config;
  config.passivate_after = 1s;
  config.history_bytes = history;
  return config;
}

/// Another entity of the same shard.
std::string neighbour_of(const std::string& id) {
  for (int i = 0;; ++i)
    if (const auto other = "y" + std::to_string(i); shard_of_id(other) == shard_of_id(id))
      return other;
}

struct Trimming : Bench {
  explicit Trimming(bool saves = true) : Bench(false, trimming()) {
    if (!saves) return;
    types[0].save = &save_counter;
    types[0].load = &load_counter;
  }
  void begin() {
    owner("a", Epoch{1});
    sync();
  }
  void add(int times, const std::string& id = "x") {
    for (int i = 0; i < times; ++i) {
      ask(0, {}, id);
      settle();
    }
  }
  /// Until the disk and what reads it have nothing to do.
  void settle() {
    now = now + 100ms;
    core.tick(now, *this);
    core.flush(now, *this);
    for (int i = 0; i < 10 && !(appends.empty() && replays.empty()); ++i) {
      sync();
      read();
    }
  }
  /// The node comes back with what is on the disk, as its log is.
  void take_disk_of(const Trimming& other) {
    disk = other.disk;
    firsts = other.firsts;
  }
  std::int64_t value_of(const std::string& id) {
    ask(1, {}, id);
    settle();
    REQUIRE(last().status == 0);
    return last().value;
  }
};

}  // namespace

TEST_CASE("trim: a log that grows is cut behind a checkpoint, and its entity is as it was") {
  Trimming bench;
  bench.begin();
  bench.add(plenty);
  CHECK(bench.core.counters().checkpoints >= 3);
  CHECK(bench.core.counters().trims >= 2);
  const auto first = bench.firsts.at(shard_of_x);
  CHECK(replication::read_record(bench.disk.at({shard_of_x, first}))->kind ==
        replication::RecordKind::checkpoint);
  CHECK(first.value > plenty / 2);
  CHECK(bench.value_of("x") == plenty);
  bench.now = bench.now + 5s;
  bench.settle();
  REQUIRE(bench.core.entities().active() == 0);
  CHECK(bench.value_of("x") == plenty);
}

TEST_CASE("trim: an entity at rest has a snapshot before its only events go") {
  Trimming bench;
  bench.begin();
  const auto other = neighbour_of("x");
  bench.add(1, other);
  bench.now = bench.now + 5s;
  bench.settle();
  bench.add(plenty);
  CHECK(bench.firsts.at(shard_of_x) > LogIndex{2});
  CHECK(bench.value_of(other) == 1);
}

TEST_CASE("trim: what begins with a checkpoint remembers the commands of before, and goes on") {
  Trimming bench;
  bench.begin();
  const CommandId command{77, 78};
  bench.ask(0, command);
  bench.settle();
  bench.add(plenty);
  Trimming again;
  again.take_disk_of(bench);
  again.begin();
  again.ask(0, command);
  again.settle();
  CHECK(again.last().value == 1);
  CHECK(again.core.counters().duplicates == 1);
  CHECK(again.value_of("x") == plenty + 1);
  again.add(plenty);
  CHECK(again.firsts.at(shard_of_x) > bench.firsts.at(shard_of_x));
  CHECK(again.value_of("x") == 2 * plenty + 1);
}

TEST_CASE("trim: a shard with an entity whose state cannot be written keeps its history") {
  for (const bool saves : {false, true}) {
    Trimming bench(saves);
    if (saves) bench.types[0].save = +[](const void*, Bytes&) { return false; };
    bench.begin();
    bench.add(plenty);
    CHECK(bench.core.counters().trims == 0);
    CHECK(bench.firsts.empty());
  }
}

TEST_CASE("trim: a shard at rest writes nothing again, however large its entities are") {
  Trimming bench;
  bench.types[0].save = +[](const void* state, Bytes& out) {
    (void)save_counter(state, out);
    return out.resize(5 * history), true;
  };
  bench.begin();
  bench.add(3 * plenty);
  const auto checkpoints = bench.core.counters().checkpoints;
  CHECK(checkpoints >= 2);
  CHECK(checkpoints <= 6);  // each costs 5,000 bytes: so many bytes of events come between them
  for (int i = 0; i < 100; ++i) bench.settle();
  CHECK(bench.core.counters().checkpoints <= checkpoints + 1);
}

TEST_CASE("trim: a log with records of a type that this node does not know is kept") {
  Trimming bench;
  bench.begin();
  bench.add(plenty);
  Trimming again;
  again.take_disk_of(bench);
  again.types[0].id = EntityTypeId{1};
  again.begin();
  again.settle();
  CHECK(again.core.counters().checkpoints == 0);
  CHECK(again.core.counters().trims == 0);
}

TEST_CASE("trim: without a bound no checkpoint is written") {
  Bench bench;
  for (int i = 0; i < plenty; ++i) {
    bench.ask(0);
    bench.sync();
    bench.now = bench.now + 100ms;
    bench.core.tick(bench.now, bench);
  }
  CHECK(bench.core.counters().checkpoints == 0);
}

TEST_CASE("trim: a trimmed log whose first record is missing is damaged") {
  Trimming bench;
  bench.begin();
  bench.add(plenty);
  Trimming again;
  again.take_disk_of(bench);
  again.disk.erase({shard_of_x, again.firsts.at(shard_of_x)});
  again.begin();
  CHECK(again.core.counters().damages == 1);
  CHECK(again.core.copy_of(shard_of_x) == nullptr);
}

TEST_CASE("trim: a snapshot of an older schema needs load_old once its events are gone") {
  Trimming bench;
  bench.begin();
  bench.add(plenty);
  Trimming again;
  again.take_disk_of(bench);
  again.types[0].schema = 1;  // load_counter reads 0 alone, as its own
  again.types[0].load = +[](void*, std::uint16_t, ByteView) { return false; };
  again.begin();
  again.ask(1);
  again.settle();
  CHECK(again.last().status == code(Errc::unavailable));
  again.types[0].load =
      +[](void* state, std::uint16_t, ByteView bytes) { return load_counter(state, 0, bytes); };
  again.types[0].migrate = +[](std::uint16_t, std::uint8_t&, Bytes&) { return true; };
  again.now = again.now + 20s;
  CHECK(again.value_of("x") == plenty);
}

TEST_CASE("checkpoint: its duplicate table comes back as it was, the window and replies as well") {
  replication::DuplicateTable table;
  const std::string large(600'000, 'r');
  for (std::uint64_t i = 1; i <= 5; ++i)
    table.remember({CommandId{i, i + 100}, LogIndex{i}, Sequence{i}, Epoch{2}, large});
  table.forgets_up_to(9);
  const auto bytes = replication::encode_checkpoint(Epoch{7}, table);
  auto back = replication::decode_checkpoint(bytes);
  REQUIRE(back);
  CHECK(back->previous_epoch == Epoch{7});
  CHECK(replication::encode_checkpoint(Epoch{7}, back->duplicates) == bytes);
  CHECK(back->duplicates.find(CommandId{1, 101})->reply_dropped);
  CHECK(back->duplicates.find(CommandId{5, 105})->reply == large);
  CHECK(back->duplicates.older_than_window(9));
  CHECK_FALSE(back->duplicates.older_than_window(10));
  for (auto* one : {&table, &back->duplicates})
    one->remember({CommandId{6, 106}, LogIndex{6}, Sequence{6}, Epoch{2}, large});
  CHECK(replication::encode_checkpoint(Epoch{7}, back->duplicates) ==
        replication::encode_checkpoint(Epoch{7}, table));
  auto cut = bytes;
  cut.pop_back();
  CHECK_FALSE(replication::decode_checkpoint(cut));
}
