/// A recording plays back to the same effects, and anything else is noticed.
#include "coterie/cluster/replay.hpp"
#include "coterie/replication/crc32c.hpp"
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

/// A core that was asked three times and had its disk answer, on tape.
Bytes record(Bench& bench) {
  Bytes bytes;
  ShardOrigin origin{.config = {}, .seed = 7, .now = bench.now};
  origin.config.self.node = "a";
  origin.config.self.from_worker = 1;
  origin.config.self.start = StartId{1};
  origin.config.disk = 1;
  origin.config.data_workers = 1;
  {
    Tape tape(origin, [&](Bytes chunk) { append(bytes, chunk); });
    ShardCore core(origin.config, bench.types, Random(origin.seed), origin.now);
    const auto give = [&](auto input) {
      bench.now = bench.now + 1ms;
      (void)feed(core, std::move(input), bench.now, bench, &tape);
    };
    auto routes = std::make_shared<Routes>();
    routes->cluster = {1, 1};
    routes->table.entity_types = 1;
    const auto shard = shard_of_x;
    routes->table.registers[shard.value] = Bench::led_by("a", Epoch{1});
    give(shard_input::NewRoutes{routes});
    give(shard_input::FromJournal{bench.recovery_of(bench.recoveries.back().first, {shard})});
    give(shard_input::FromJournal{replication::Appended{shard, 1}});
    for (std::uint64_t token = 1; token <= 3; ++token)
      give(shard_input::Ask{{.token = token,
                             .type = bench.types[0].id,
                             .id = "x",
                             .tag = 0,
                             .deadline = bench.now + 5s}});
    give(shard_input::FromJournal{replication::Appended{shard, 4}});
    give(shard_input::Flush{});
  }
  REQUIRE(bench.done.size() == 3);
  CHECK(bench.last().value == 3);
  return bytes;
}

struct Recorded {
  Recorded() {
    bench.recovers = false;
    tape = record(bench);
  }
  Bench bench{false};
  Bytes tape;
};

/// Where entry `number` begins, from 1; entry 0 is the head.
std::size_t entry_at(const Bytes& tape, std::size_t number) {
  auto at = tape_magic.size();
  for (std::size_t i = 0; i < number; ++i)
    at += tape_entry_head + load_le<std::uint32_t>(tape.data() + at);
  return at;
}

}  // namespace

TEST_CASE("tape: played to a core made in the same way, every input has the same effects") {
  const Recorded recorded;
  const auto report = replay(recorded.tape, recorded.bench.types);
  REQUIRE(report.has_value());
  CHECK(report->inputs == 8);
  CHECK(report->divergence.empty());
  CHECK_FALSE(report->cut);
  CHECK(report->node == "a");
  CHECK(report->worker == 1);
}

TEST_CASE("tape: the first input with another effect is named") {
  Recorded recorded;
  // A handler that changed since the recording.
  recorded.bench.types[0].handle =
      +[](void*, std::uint8_t, ByteView, Outcome& out) { out.kind = Outcome::Kind::refused; };
  const auto report = replay(recorded.tape, recorded.bench.types);
  REQUIRE(report.has_value());
  CHECK(report->inputs == 4);
  CHECK(report->divergence.find("input 4 (ask)") == 0);
}

TEST_CASE("tape: another hash is a divergence") {
  Recorded recorded;
  const auto at = entry_at(recorded.tape, 6);
  const auto end = entry_at(recorded.tape, 7);
  recorded.tape[end - 1] ^= 1;
  store_le(recorded.tape.data() + at + 4,
           replication::crc32c(ByteView(recorded.tape).subspan(at + 8, end - at - 8)));
  const auto report = replay(recorded.tape, recorded.bench.types);
  REQUIRE(report.has_value());
  CHECK(report->divergence.find("input 6 (ask)") == 0);
}

TEST_CASE("tape: of a killed process it replays what is there, wherever it was cut") {
  const Recorded recorded;
  const auto first = entry_at(recorded.tape, 1);
  for (std::size_t size = first; size < recorded.tape.size(); ++size) {
    const auto report = replay(ByteView(recorded.tape).first(size), recorded.bench.types);
    REQUIRE(report.has_value());
    CHECK(report->divergence.empty());
  }
  for (std::size_t size = 0; size < first; ++size)
    CHECK_FALSE(replay(ByteView(recorded.tape).first(size), recorded.bench.types).has_value());
}

TEST_CASE("tape: damaged bytes are refused or end the tape, never followed") {
  const Recorded recorded;
  for (std::size_t bit = 0; bit < recorded.tape.size() * 8; bit += 3) {
    auto damaged = recorded.tape;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    const auto report = replay(damaged, recorded.bench.types);
    const bool noticed = !report.has_value() || report->cut;
    CHECK(noticed);
  }
  CHECK_FALSE(replay(view("nothing of ours"), recorded.bench.types).has_value());
}
