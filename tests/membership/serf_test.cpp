#include "coterie/membership/serf.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::membership;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

TEST_CASE("serf: the golden vectors of intents and tags") {
  SerfLayer layer("a");
  layer.witness_state(from_hex("0281a54c54696d6504"));  // the clock stands at 4: others sent 3
  CHECK(layer.time() == 4);
  SerfLayer early("a");
  for (int i = 0; i < 2; ++i) (void)early.leave_intent();
  CHECK(to_hex(early.leave_intent()) == "080083a54c54696d6503a44e6f6465a161a55072756e65c2");
  SerfLayer late("a");
  late.witness_state(from_hex("0281a54c54696d65cd011c"));  // 284, and a lead of 16
  CHECK(to_hex(late.join_intent()) == "080182a54c54696d65cd012ca44e6f6465a161");
  CHECK(to_hex(SerfLayer::encode_tags({{"role", "web"}})) == "ff81a4726f6c65a3776562");
  CHECK(to_hex(SerfLayer::encode_tags({})) == "ff80");
}

TEST_CASE(
    "serf: the first copy of a message is passed on, a second one, our own and garbage are not") {
  SerfLayer layer("me");
  const auto leave = from_hex("0083a54c54696d6509a44e6f6465a161a55072756e65c2");
  CHECK(layer.receive(leave));
  CHECK(layer.time() == 10);
  CHECK_FALSE(layer.receive(leave));
  const auto ours = layer.join_intent();
  CHECK_FALSE(layer.receive(ByteView(ours).subspan(1)));
  CHECK_FALSE(layer.receive({}));
  CHECK_FALSE(layer.receive(from_hex("00")));
  CHECK_FALSE(layer.receive(from_hex("0083a54c5469")));
  CHECK_FALSE(layer.receive(Bytes(max_serf_message + 1, 3)));
  CHECK_FALSE(layer.receive(from_hex("0581a54c54696d6501")));  // a query's answer is for its asker
  CHECK_FALSE(layer.receive(from_hex("0381a54c54696d6505")));  // events are another layer's
  CHECK(layer.receive(from_hex("0181a54c54696d65cfffffffffffffffff")));
  CHECK(layer.time() == 27);  // a hostile clock
}

TEST_CASE("serf: it remembers 512 messages, and the oldest is new again after one more") {
  SerfLayer layer("me");
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

// A Serf agent that missed our death, and heard our leave only after we had returned, shows us as
// leaving until it hears a join intent later than the leave (section 13.4).
TEST_CASE("serf: a leave of ours that outlived our return is contradicted once, by a later join") {
  const auto leave = from_hex("0083a54c54696d6509a44e6f6465a26d65a55072756e65c2");
  SerfLayer back("me");
  CHECK_FALSE(back.should_rejoin());
  CHECK(back.receive(leave));  // and passed on, as any
  CHECK(back.should_rejoin());
  CHECK_FALSE(back.should_rejoin());
  (void)back.join_intent();
  CHECK(back.time() > 9 + join_lead);
  CHECK_FALSE(back.receive(leave));  // a copy is no news
  CHECK_FALSE(back.should_rejoin());
  SerfLayer other("me2");
  CHECK(other.receive(leave));
  CHECK_FALSE(other.should_rejoin());
  SerfLayer going("me");
  (void)going.leave_intent();
  CHECK(going.receive(leave));
  CHECK_FALSE(going.should_rejoin());
}

TEST_CASE("serf: a state exchange that holds a later word on us than ours is contradicted") {
  SerfLayer back("me");
  (void)back.join_intent();  // dated 17
  const auto state = [](std::uint8_t of_us) {
    auto bytes = from_hex("0282a54c54696d6501ac5374617475734c54696d657382a26d6500a3796f752c");
    bytes[26] = of_us;
    return bytes;
  };
  back.witness_state(state(17));
  CHECK_FALSE(back.should_rejoin());
  back.witness_state(state(18));
  CHECK(back.should_rejoin());
  CHECK(back.time() == 19);
  back.witness_state(from_hex("0281ac5374617475734c54696d657381a26d65cfffffffffffffffff"));
  CHECK_FALSE(back.should_rejoin());  // hostile
  back.witness_state(from_hex("0281ac5374617475734c54696d6573dfffffffff"));
  CHECK_FALSE(back.should_rejoin());  // cut off
}
