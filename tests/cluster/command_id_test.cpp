/// Exactly-once effect over a bounded memory: command ids that carry their time.
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

CommandId made_at(std::uint64_t ms, std::uint64_t number) {
  return CommandId::timed(ms, 0, number);
}

}  // namespace

TEST_CASE("command id: one that the shard may have forgotten is refused, not executed again") {
  Bench bench;
  const auto now_ms = static_cast<std::uint64_t>(bench.now.nanos / 1'000'000);
  const auto first = made_at(now_ms, 0);
  bench.ask(0, first);
  bench.sync();
  bench.ask(0, first);
  CHECK(bench.last().value == 1);  // remembered: answered as the first time
  bench.now = bench.now + 1s;
  for (std::uint64_t i = 1; i <= replication::max_remembered_commands; ++i) {
    bench.ask(0, made_at(now_ms + 1000, i));
    if (i % 1000 == 0) bench.sync();
  }
  bench.sync();
  const auto before = bench.last().value;
  bench.ask(0, first);
  CHECK(bench.last().status == code(Errc::command_expired));
  bench.ask(1);
  CHECK(bench.last().value == before);
  bench.ask(0, made_at(now_ms + 1001, 1u << 20));
  bench.sync();
  CHECK(bench.last().value == before + 1);
}

TEST_CASE("command id: its time pushes the shard's clock, so that the window stays exact") {
  Bench bench;
  const auto now_ms = static_cast<std::uint64_t>(bench.now.nanos / 1'000'000);
  const auto ahead = static_cast<std::uint64_t>(max_clock_lead / 1ms);
  bench.ask(0, made_at(now_ms + ahead, 1));
  REQUIRE(bench.appends.size() == 1);
  const auto record = replication::read_record(bench.appends[0].record);
  REQUIRE(record.has_value());
  CHECK(record->clock > (now_ms + ahead) << 16);
  bench.sync();
  CHECK(bench.last().status == 0);
}

TEST_CASE("command id: a time further ahead than clocks may differ is refused") {
  Bench bench;
  const auto now_ms = static_cast<std::uint64_t>(bench.now.nanos / 1'000'000);
  const auto ahead = static_cast<std::uint64_t>(max_clock_lead / 1ms);
  bench.ask(0, made_at(now_ms + ahead + 1, 1));
  CHECK(bench.last().status == code(Errc::malformed));
}
