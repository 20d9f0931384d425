#include <doctest/doctest.h>

#include "coterie/core/random.hpp"
#include "coterie/replication/checkpoint.hpp"
#include "coterie/replication/crc32c.hpp"
#include "coterie/replication/duplicate_table.hpp"
#include "coterie/replication/record.hpp"
#include "coterie/replication/register.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::replication;

TEST_CASE("crc32c: the check values of RFC 3720, appendix B.4") {
  CHECK(crc32c(view("123456789")) == 0xe3069283);
  CHECK(crc32c(Bytes(32, 0)) == 0x8a9136aa);
  CHECK(crc32c(Bytes(32, 0xff)) == 0x62a8ab43);
}

namespace {
const Bytes one{1, 2};
RecordView sample() {
  return {.schema = 7,
          .type = EntityTypeId{0x11223344},
          .shard = ShardId{5},
          .epoch = Epoch{3},
          .index = LogIndex{9},
          .clock = 0x55,
          .sequence = Sequence{4},
          .previous = LogIndex{8},
          .command = {1, 2},
          .entity = view("alice"),
          .events = {{2, one}},
          .reply = view("ok")};
}
}  // namespace

TEST_CASE("crc32c: the processor's instruction and the tables agree, whatever length and place") {
  Random random(7);
  Bytes bytes(600);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t from = 0; from < 9; ++from)
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const auto part = ByteView(bytes).subspan(from, size);
      if (crc32c(part) != crc32c_by_tables(part)) FAIL("of " << size << " bytes from " << from);
    }
}

TEST_CASE("checkpoint: has the bytes of docs/JOURNAL.md") {
  DuplicateTable table;
  table.remember({{1, 2}, LogIndex{9}, Sequence{4}, Epoch{3}, "ok"});
  table.forgets_up_to(6);
  CHECK(testing::to_hex(encode_checkpoint(Epoch{7}, table)) ==
        "940107069197010209"
        "0403c4026f6bc2");
}

TEST_CASE("record: has the bytes of docs/JOURNAL.md") {
  Bytes out;
  append_record(out, sample(), 0);
  CHECK(testing::to_hex(ByteView(out).subspan(16)) ==
        "01"
        "01"
        "0000"
        "0700"
        "0500"
        "0300000000000000"
        "0900000000000000"
        "5500000000000000"
        "0400000000000000"
        "0800000000000000"
        "0100000000000000"
        "0200000000000000"
        "44332211"
        "0100"
        "05"
        "00"
        "02000000"
        "00000000"
        "616c696365"
        "02000000"
        "02"
        "0102"
        "6f6b");
  CHECK(load_le<std::uint32_t>(out.data() + 4) == out.size());
}

TEST_CASE("record: reads back what was written, with and without its optional sections") {
  for (const bool full : {false, true}) {
    auto record = sample();
    if (full) {
      record.causation = CommandId{3, 4};
      record.correlation = CommandId{5, 6};
      record.trace = TraceParent{{1}, {2}, 1};
    }
    Bytes out;
    const auto chain = append_record(out, record, 77);
    const auto read = read_record(out);
    REQUIRE(read.has_value());
    CHECK(read->chain == chain);
    CHECK(chain_after(77, out) == chain);
    CHECK(chain_after(78, out) != chain);
    CHECK(read->command == record.command);
    CHECK(read->causation == record.causation);
    CHECK(read->correlation == record.correlation);
    CHECK(read->trace == record.trace);
    CHECK(text(read->entity) == "alice");
    REQUIRE(read->events.size() == 1);
    CHECK(read->events[0].tag == 2);
    CHECK(equal(read->events[0].bytes, one));
    CHECK(text(read->reply) == "ok");
  }
}

TEST_CASE("record: every flipped bit and every truncation is noticed") {
  Bytes out;
  append_record(out, sample(), 0);
  for (std::size_t bit = 0; bit < out.size() * 8; ++bit) {
    auto broken = out;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    CHECK_FALSE(read_record(broken).has_value());
  }
  for (std::size_t size = 0; size < out.size(); ++size)
    CHECK_FALSE(read_record(ByteView(out).first(size)).has_value());
}

TEST_CASE("duplicate table: finds what it remembers, and evicts the oldest") {
  DuplicateTable table;
  for (std::uint64_t i = 1; i <= 100; ++i)
    table.remember({{0, i}, LogIndex{i}, Sequence{i}, Epoch{1}, {}});
  REQUIRE(table.find({0, 50}) != nullptr);
  CHECK(table.find({0, 50})->sequence == Sequence{50});
  CHECK(table.find({1, 50}) == nullptr);
  for (std::uint64_t i = 1000; i < 1000 + max_remembered_commands; ++i)
    table.remember({{0, i}, LogIndex{i}, Sequence{i}, Epoch{1}, {}});
  CHECK(table.size() == max_remembered_commands);
  CHECK(table.find({0, 50}) == nullptr);
  CHECK(table.find({0, 1000}) != nullptr);
}

TEST_CASE("duplicate table: the window ends at the newest time of what it forgot") {
  DuplicateTable table;
  for (std::uint64_t i = 1; i <= max_remembered_commands; ++i)
    table.remember({CommandId::timed(i, 0, i), LogIndex{i}, Sequence{i}, Epoch{1}, {}});
  CHECK_FALSE(table.older_than_window(1));
  table.remember({{0, 0}, LogIndex{1 << 20}, Sequence{1}, Epoch{1}, {}});
  CHECK(table.older_than_window(1));
  CHECK_FALSE(table.older_than_window(2));
}

TEST_CASE("duplicate table: beyond its bytes the oldest replies go and their ids stay") {
  DuplicateTable table;
  const Bytes large(max_remembered_bytes / 4, 1);
  for (std::uint64_t i = 1; i <= 6; ++i)
    table.remember({{0, i}, LogIndex{i}, Sequence{i}, Epoch{1}, std::string(text(large))});
  CHECK(table.size() == 6);
  CHECK(table.find({0, 2})->reply_dropped);
  CHECK(table.find({0, 2})->reply.empty());
  CHECK_FALSE(table.find({0, 3})->reply_dropped);
}

namespace {
Swap swap(std::uint16_t shard, std::uint64_t expected, const std::string& node) {
  return {ShardId{shard},
          Epoch{expected},
          {Epoch{expected + 1}, node, StartId{1}, {{node, 1}}, {{node, 1}}}};
}
}  // namespace

TEST_CASE("register messages: round-trip, and truncations are refused") {
  const std::vector<Swap> swaps{swap(3, 1, "x"), swap(4, 2, "y")};
  const auto bytes = encode_swaps(42, swaps);
  std::uint64_t token = 0;
  std::vector<Swap> read;
  CHECK(decode_swaps(bytes, token, read));
  CHECK(token == 42);
  CHECK(read == swaps);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::vector<Swap> part;
    CHECK_FALSE(decode_swaps(ByteView(bytes).first(size), token, part));
  }
}
