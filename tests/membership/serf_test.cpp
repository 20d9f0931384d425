#include "coterie/membership/serf.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::membership;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

TEST_CASE("serf: the golden vectors of intents and tags") {
  SerfLayer layer;
  layer.witness_state(from_hex("0281a54c54696d6504"));  // the clock stands at 4: others sent 3
  CHECK(layer.time() == 4);
  SerfLayer early;
  for (int i = 0; i < 2; ++i) (void)early.join_intent("x");
  CHECK(to_hex(early.leave_intent("a")) == "080083a54c54696d6503a44e6f6465a161a55072756e65c2");
  SerfLayer late;
  late.witness_state(from_hex("0281a54c54696d65cd012c"));
  CHECK(to_hex(late.join_intent("a")) == "080182a54c54696d65cd012ca44e6f6465a161");
  CHECK(to_hex(SerfLayer::encode_tags({{"role", "web"}})) == "ff81a4726f6c65a3776562");
  CHECK(to_hex(SerfLayer::encode_tags({})) == "ff80");
}

TEST_CASE(
    "serf: the first copy of a message is passed on, a second one, our own and garbage are not") {
  SerfLayer layer;
  const auto leave = from_hex("0083a54c54696d6509a44e6f6465a161a55072756e65c2");
  CHECK(layer.receive(leave));
  CHECK(layer.time() == 10);
  CHECK_FALSE(layer.receive(leave));
  const auto ours = layer.join_intent("me");
  CHECK_FALSE(layer.receive(ByteView(ours).subspan(1)));
  CHECK_FALSE(layer.receive({}));
  CHECK_FALSE(layer.receive(from_hex("00")));
  CHECK_FALSE(layer.receive(from_hex("0083a54c5469")));
  CHECK_FALSE(layer.receive(Bytes(max_serf_message + 1, 3)));
  CHECK_FALSE(layer.receive(from_hex("0581a54c54696d6501")));  // a query's answer is for its asker
  CHECK_FALSE(layer.receive(from_hex("0381a54c54696d6505")));  // events are another layer's
  CHECK(layer.receive(from_hex("0181a54c54696d65cfffffffffffffffff")));
  CHECK(layer.time() == 11);  // a hostile clock
}

TEST_CASE("serf: it remembers 512 messages, and the oldest is new again after one more") {
  SerfLayer layer;
  const auto join = [](std::uint16_t number) {
    return Bytes{1,
                 0x81,
                 0xa5,
                 'L',
                 'T',
                 'i',
                 'm',
                 'e',
                 0xcd,
                 static_cast<std::uint8_t>(1 + (number >> 8)),
                 static_cast<std::uint8_t>(number)};
  };
  CHECK(layer.receive(join(0)));
  for (std::uint16_t i = 1; i < serf_memory; ++i) CHECK(layer.receive(join(i)));
  CHECK_FALSE(layer.receive(join(0)));
  CHECK(layer.receive(join(serf_memory)));
  CHECK(layer.receive(join(0)));
}
