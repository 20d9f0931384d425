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

TEST_CASE("command id: a command that is newer than all that was forgotten is never refused") {
  Bench bench;
  const auto now_ms = static_cast<std::uint64_t>(bench.now.nanos / 1'000'000);
  for (std::uint64_t i = 0; i <= replication::max_remembered_commands; ++i) {
    bench.ask(0, CommandId::opaque(1, i));  // ids without a time push no window
    if (i % 1000 == 0) bench.sync();
  }
  bench.sync();
  bench.ask(0, made_at(now_ms - 1000, 7));
  bench.sync();
  CHECK(bench.last().status == 0);
}

TEST_CASE(
    "command id: a reply too old to be kept is not given again, and the command not executed") {
  Bench bench;
  bench.types[0].handle = +[](void* s, std::uint8_t, ByteView, Outcome& out) {
    out.kind = Outcome::Kind::persisted, ++value(s), out.events.push_back({0, {}});
    wire::MsgpackWriter(out.reply).signed_integer(value(s));
    out.reply.resize(600'000);
  };
  for (std::uint64_t i = 1; i <= 5; ++i) bench.ask(0, CommandId::opaque(1, i)), bench.sync();
  bench.ask(0, CommandId::opaque(1, 5));
  CHECK(bench.last().status == 0);
  CHECK(bench.last().value == 5);
  bench.ask(0, CommandId::opaque(1, 1));
  CHECK(bench.last().status == code(Errc::command_expired));
  CHECK(bench.appends.empty());
}

TEST_CASE("command id: a time further ahead than clocks may differ is refused") {
  Bench bench;
  const auto now_ms = static_cast<std::uint64_t>(bench.now.nanos / 1'000'000);
  const auto ahead = static_cast<std::uint64_t>(max_clock_lead / 1ms);
  bench.ask(0, made_at(now_ms + ahead, 1));
  bench.sync();
  CHECK(bench.last().status == 0);
  bench.ask(0, made_at(now_ms + ahead + 1, 2));
  CHECK(bench.last().status == code(Errc::unavailable));
  bench.core.wall_clock(1);  // the clock was set: a millisecond later
  bench.ask(0, made_at(now_ms + ahead + 1, 2));
  bench.sync();
  CHECK(bench.last().status == 0);
}
