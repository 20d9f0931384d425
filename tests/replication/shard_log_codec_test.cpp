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

}  // namespace

TEST_CASE("shard log messages: the golden vectors, both ways") {
  const std::vector<std::pair<ShardMessage, std::string>> vectors{
      {of(two),
       "990100ccc8a16101a1620207"
       "9504030208"
       "929305c3c401aa9305c2c402bbcc"},
      {of(Accepted{LogIndex{5}, 8}),
       "990101ccc8a16101a1620207"
       "920508"},
      {of(Refused{Epoch{9}, LogIndex{3}, 8}),
       "990102ccc8a16101a1620207"
       "93090308"},
      {of(Confirm{6}),
       "990103ccc8a16101a1620207"
       "9106"},
      {of(Confirmed{6}),
       "990104ccc8a16101a1620207"
       "9106"},
      {of(Confirm{6, 100ms}),
       "990103ccc8a16101a1620207"
       "9206ce000186a0"},
      {of(Confirmed{6, 100ms}),
       "990104ccc8a16101a1620207"
       "9206ce000186a0"},
      {of(Release{}),
       "990105ccc8a16101a1620207"
       "90"},
  };
  for (const auto& [message, hex] : vectors) {
    CHECK(to_hex(encode(message.shard, message.message)) == hex);
    CHECK(decode_message(from_hex(hex)) == message);
  }
}

TEST_CASE(
    "shard log messages: a cut, another version, an unknown kind or a hostile number is none") {
  const auto whole = encode(ShardId{200}, of(two).message);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(decode_message(ByteView(whole).first(size)));
  auto other = whole;
  other[1] = 2;
  CHECK_FALSE(decode_message(other));
  other = whole;
  other[2] = 6;
  CHECK_FALSE(decode_message(other));
  CHECK_FALSE(decode_message(encode(ShardId{1}, of(Confirm{UINT64_MAX}).message)));
  CHECK_FALSE(decode_message(encode(ShardId{1}, of(Confirm{6, 3601s}).message)));
}
