#include "coterie/wire/native_messages.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;

namespace {

/// What follows the type byte of a user message on a stream, unpacked.
NativeMessage open(const Bytes& message) {
  const auto payload = decode_user_stream(ByteView(message).subspan(1), 1024 * 1024);
  REQUIRE(std::holds_alternative<ByteView>(payload));
  const auto native = native_message(std::get<ByteView>(payload));
  REQUIRE(native.has_value());
  return *native;
}
const PushPull held{.nodes = {{"n1",
                               address_from(Bytes{127, 0, 0, 1}, 7946),
                               {},
                               3,
                               PushPullState::alive,
                               native_versions}}};

}  // namespace

TEST_CASE("native messages: golden vectors") {
  CHECK(testing::to_hex(encode_same()) == "0881aa557365724d73674c656e02c102");
  CHECK(testing::to_hex(encode_digest({})).substr(0, 40) ==
        "0881aa557365724d73674c656ecd0402c1010000");
}

TEST_CASE("native messages: each comes back as it was, and cut short it waits for more") {
  DigestParts parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = static_cast<std::uint32_t>(i * 77);
  const auto digest = encode_digest(parts);
  CHECK(open(digest).type == NativeType::digest);
  CHECK(decode_digest(open(digest).body) == parts);
  CHECK(open(encode_same()).type == NativeType::same);
  Difference difference{.held = held};
  difference.parts[0] = difference.parts[77] = difference.parts[255] = true;
  CHECK(decode_difference(open(encode(difference)).body) == difference);
  CHECK(decode_facts(open(encode_facts(held)).body) == held);
  for (std::size_t size = 1; size < digest.size(); ++size)
    CHECK(std::holds_alternative<NeedMore>(
        decode_user_stream(ByteView(digest).first(size).subspan(1), 4096)));
  CHECK(std::holds_alternative<Malformed>(decode_user_stream(ByteView(digest).subspan(1), 1025)));
}

TEST_CASE("native messages: what is not native, or of another size, is none") {
  CHECK_FALSE(native_message(Bytes{}).has_value());
  CHECK_FALSE(native_message(Bytes{0xc1}).has_value());
  CHECK_FALSE(native_message(Bytes{3, 1}).has_value());
  CHECK_FALSE(decode_digest(Bytes(1023)).has_value());
  CHECK_FALSE(decode_digest(Bytes(1025)).has_value());
  CHECK_FALSE(decode_difference(Bytes(31)).has_value());
  CHECK_FALSE(decode_facts(Bytes{}).has_value());
}

TEST_CASE(
    "push/pull: a reader goes on where it stopped, and nodes beyond its bound are malformed") {
  PushPull state{.user_state = {1, 2, 3}};
  for (int i = 0; i < 50; ++i) {
    state.nodes.push_back(held.nodes[0]);
    state.nodes.back().name = "n" + std::to_string(i);
  }
  const auto bytes = encode(state);
  const auto body = ByteView(bytes).subspan(1);
  PushPullReader reader;
  for (std::size_t size = 0; size < body.size(); size += 7)
    REQUIRE(std::holds_alternative<NeedMore>(reader.read(body.first(size))));
  const auto whole = reader.read(body);
  REQUIRE(std::holds_alternative<PushPull>(whole));
  CHECK(std::get<PushPull>(whole) == state);
  CHECK(std::holds_alternative<PushPull>(PushPullReader{}.read(body, 50)));
  CHECK(std::holds_alternative<Malformed>(PushPullReader{}.read(body, 49)));
}
