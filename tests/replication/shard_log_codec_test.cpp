#include <doctest/doctest.h>

#include "coterie/replication/shard_log/codec.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

namespace {

ShardMessage of(decltype(Message::body) body) {
  return {ShardId{200},
          {.from = {"a", 1}, .to = {"b", 2}, .epoch = Epoch{7}, .body = std::move(body)}};
}

const Append two{.previous = LogIndex{4},
                 .previous_epoch = Epoch{3},
                 .commit = LogIndex{2},
                 .number = 8,
                 .entries = {{Epoch{5}, true, {0xaa}}, {Epoch{5}, false, {0xbb, 0xcc}}}};

/// All names are those of the first.
Bytes encode(const std::vector<ShardMessage>& messages) {
  BatchWriter out(messages.at(0).message.from, messages[0].message.to);
  for (const auto& each : messages) out.add(each.shard, each.message);
  return out.bytes();
}
/// nullopt: not all of it could be read.
std::optional<std::vector<ShardMessage>> decode(ByteView bytes) {
  BatchReader in(bytes);
  std::vector<ShardMessage> out;
  while (const auto* const message = in.next()) out.push_back(*message);
  if (!in.ok()) return std::nullopt;
  return out;
}

const std::string head = "9502a16101a16202";  // version, from, to

}  // namespace

TEST_CASE("shard log messages: the golden vectors, both ways") {
  const std::vector<std::pair<ShardMessage, std::string>> vectors{
      {of(two),
       "9400ccc807"
       "9504030208"
       "929305c3c401aa9305c2c402bbcc"},
      {of(Accepted{LogIndex{5}, 8}), "9401ccc807920508"},
      {of(Refused{Epoch{9}, LogIndex{3}, 8}), "9402ccc80793090308"},
      {of(Confirm{6}), "9403ccc8079106"},
      {of(Confirmed{6}), "9404ccc8079106"},
      {of(Confirm{6, 100ms}), "9403ccc8079206ce000186a0"},
      {of(Confirmed{6, 100ms}), "9404ccc8079206ce000186a0"},
      {of(Release{}), "9405ccc80790"},
  };
  std::vector<ShardMessage> all;
  auto bytes = head;
  for (const auto& [message, hex] : vectors) {
    CHECK(to_hex(encode({message})) == head + hex);
    CHECK(decode(from_hex(head + hex)) == std::vector{message});
    all.push_back(message);
    bytes += hex;
  }
  CHECK(to_hex(encode(all)) == bytes);
  CHECK(decode(from_hex(bytes)) == all);
}

TEST_CASE("shard log messages: fields of later builds are passed over, of head, message and body") {
  const auto later = from_hex(
      "9602a16101a1620293c0c3c0"
      "9503ccc807930600c3a178"
      "9404ccc8079106");
  CHECK(decode(later) == std::vector{of(Confirm{6}), of(Confirmed{6})});
}

TEST_CASE(
    "shard log messages: a cut, another version, an unknown kind or a hostile number is none") {
  const auto whole = encode({of(two)});
  const auto empty = head.size() / 2;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (size == empty) continue;  // a batch of nothing
    CHECK_FALSE(decode(ByteView(whole).first(size)));
  }
  CHECK(decode(ByteView(whole).first(empty))->empty());
  auto other = whole;
  other[1] = 1;
  CHECK_FALSE(decode(other));
  other = whole;
  other[empty + 1] = 6;
  CHECK_FALSE(decode(other));
  CHECK_FALSE(decode(encode({of(Confirm{UINT64_MAX})})));
  CHECK_FALSE(decode(encode({of(Confirm{6, 3601s})})));
}

TEST_CASE("shard log messages: one begins within the bound of a batch, or is alone") {
  const auto sized = [](std::size_t bytes) {
    return of(Append{.entries = {{Epoch{1}, false, Bytes(bytes, 1)}}});
  };
  const auto envelope = encode({sized(60'000)}).size() - 60'000;
  const auto fitting = sized(max_batch_bytes - envelope);
  REQUIRE(encode({fitting}).size() == max_batch_bytes);
  CHECK(decode(encode({fitting, of(Confirm{1})}))->size() == 2);
  CHECK_FALSE(decode(encode({sized(max_batch_bytes - envelope + 1), of(Confirm{1})})));
  CHECK(decode(encode({sized(4'000'000)}))->size() == 1);
}
