#include "coterie/wire/memberlist_messages.hpp"

#include <doctest/doctest.h>

#include "coterie/wire/push_pull.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

namespace {

const Address loopback = address_from(Bytes{127, 0, 0, 1}, 7946);
const Source source_a{address_from(Bytes{127, 0, 0, 1}, 7946), "a"};
ByteView body(const Bytes& message) { return ByteView(message).subspan(1); }

/// Encodes to the golden bytes, and decodes from them to an equal value.
template <class Message, class Decode>
void golden(const Message& message, const char* hex, Decode decode) {
  CAPTURE(hex);
  CHECK(to_hex(encode(message)) == hex);
  const auto bytes = from_hex(hex);
  const auto decoded = decode(body(bytes));
  REQUIRE(decoded.has_value());
  CHECK(*decoded == message);
}

}  // namespace

TEST_CASE("memberlist: every message equals the golden bytes of go-msgpack 0.5.5") {
  golden(Ping{1, "b", {}}, "0082a44e6f6465a162a55365714e6f01", decode_ping);
  golden(Ping{300, "b", source_a},
         "0085a44e6f6465a162a55365714e6fcd012caa536f7572636541646472a47f000001aa536f757263654e6f646"
         "5a161aa536f75726365"
         "506f7274cd1f0a",
         decode_ping);
  golden(IndirectPing{70000, loopback, "b", true,
                      Source{address_from(Bytes{127, 0, 0, 1}, 7947), "a"}},
         "0188a44e61636bc3a44e6f6465a162a4506f7274cd1f0aa55365714e6fce00011170aa536f757263654164647"
         "2a47f000001aa536f75"
         "7263654e6f6465a161aa536f75726365506f7274cd1f0ba6546172676574a47f000001",
         decode_indirect_ping);
  golden(Ack{200, {}}, "0282a75061796c6f6164c0a55365714e6fccc8", decode_ack);
  golden(Nack{5}, "0b81a55365714e6f05", decode_nack);
  golden(ErrorReply{"boom"}, "0d81a54572726f72a4626f6f6d", decode_error);
  golden(Suspect{7, "b", "a"}, "0383a446726f6da161ab496e6361726e6174696f6e07a44e6f6465a162",
         decode_suspect);
  golden(Dead{7, "b", "b"}, "0583a446726f6da162ab496e6361726e6174696f6e07a44e6f6465a162",
         decode_dead);
  golden(Alive{1, "node-1", loopback, {}, {1, 5, 2, 0, 0, 0}},
         "0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a66e6f64652d31a45"
         "06f7274cd1f0aa35673"
         "6ea6010502000000",
         decode_alive);
}

TEST_CASE("memberlist: push/pull parts equal the golden bytes") {
  Bytes out;
  append_push_pull_header(out, {.nodes = 2, .user_state_bytes = 0, .join = true});
  CHECK(to_hex(out) == "83a44a6f696ec3a54e6f64657302ac5573657253746174654c656e00");
  out.clear();
  append_push_pull_header(out, {.nodes = 200, .user_state_bytes = 70000, .join = false});
  CHECK(to_hex(out) == "83a44a6f696ec2a54e6f646573ccc8ac5573657253746174654c656ece00011170");
  out.clear();
  append_push_pull_node(out, {"node-1", loopback, {}, 1, PushPullState::alive, {1, 5, 2, 0, 0, 0}});
  CHECK(to_hex(out) ==
        "87a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e616d65a66e6f64652d31a4506f"
        "7274cd1f0aa55374617465"
        "00a356736ea6010502000000");
  out.clear();
  append_user_stream_header(out, 300);
  CHECK(to_hex(out) == "81aa557365724d73674c656ecd012c");
}

TEST_CASE("memberlist: the signed integers of go-msgpack 2 are accepted") {
  auto bytes = from_hex("83a44a6f696ec2a54e6f646573d10001ac5573657253746174654c656ed200000002");
  append_push_pull_node(bytes, {"n", loopback, {}, 1, PushPullState::left, native_versions});
  append(bytes, Bytes{9, 9});
  const auto outcome = decode_push_pull(bytes);
  REQUIRE(std::holds_alternative<PushPull>(outcome));
  CHECK(std::get<PushPull>(outcome).nodes.size() == 1);
  CHECK(std::get<PushPull>(outcome).user_state == Bytes{9, 9});
}

TEST_CASE(
    "memberlist: an unfinished push/pull asks for more at every length, and a whole one "
    "round-trips") {
  PushPull message{.join = true, .nodes = {}, .user_state = {1, 2, 3}};
  for (int i = 0; i < 3; ++i)
    message.nodes.push_back(
        {"n" + std::to_string(i), loopback, {7}, 3, PushPullState::alive, {1, 5, 2, 0, 0, 0}});
  const auto whole = encode(message);
  for (std::size_t size = 0; size + 1 < whole.size(); ++size)
    CHECK(std::holds_alternative<NeedMore>(decode_push_pull(ByteView(whole).subspan(1, size))));
  const auto outcome = decode_push_pull(body(whole));
  REQUIRE(std::holds_alternative<PushPull>(outcome));
  CHECK(std::get<PushPull>(outcome) == message);
}

TEST_CASE("memberlist: what breaks our limits is refused") {
  Alive alive{1, "n", loopback, Bytes(512, 1), native_versions};
  CHECK(decode_alive(body(encode(alive))).has_value());
  alive.meta.push_back(1);
  CHECK_FALSE(decode_alive(body(encode(alive))).has_value());
  alive.meta.clear();
  alive.node = std::string(255, 'x');
  CHECK(decode_alive(body(encode(alive))).has_value());
  alive.node += 'x';
  CHECK_FALSE(decode_alive(body(encode(alive))).has_value());
  alive.node.clear();
  CHECK_FALSE(decode_alive(body(encode(alive))).has_value());

  struct Row {
    const char* why;
    const char* hex;
  };
  for (const auto& row : {Row{"Vsn of 5 bytes",
                              "86a441646472a47f000001ab496e6361726e6174696f6e01a44d657461c0a44e6f64"
                              "65a16ea4506f7274cd1f0aa356736ea50105020000"},
                          Row{"address of 3 bytes",
                              "86a441646472a37f0000ab496e6361726e6174696f6e01a44d657461c0a44e6f6465"
                              "a16ea4506f7274cd1f0aa356736ea6010502000000"},
                          Row{"negative incarnation",
                              "86a441646472a47f000001ab496e6361726e6174696f6effa44d657461c0a44e6f64"
                              "65a16ea4506f7274cd1f0aa356736ea6010502000000"},
                          Row{"not a map", "c0"}}) {
    CAPTURE(row.why);
    CHECK_FALSE(decode_alive(from_hex(row.hex)).has_value());
  }
}

TEST_CASE("memberlist: unknown keys of any type are skipped, and deep nesting is refused") {
  CHECK(decode_nack(from_hex("82a1789301a26162c0a55365714e6f05")) == Nack{5});
  Bytes deep = from_hex("82a178");
  deep.insert(deep.end(), 100, 0x91);
  append(deep, from_hex("c0a55365714e6f05"));
  CHECK_FALSE(decode_nack(deep).has_value());
}
