#include "coterie/wire/serf_messages.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

namespace {

/// What follows the user message's type byte and Serf's.
ByteView serf_body(const Bytes& message) { return ByteView(message).subspan(2); }

const Address asker = address_from(Bytes{127, 0, 0, 1}, 7946);

}  // namespace

TEST_CASE("serf messages: an event has Go's bytes, keys sorted, nothing as nil") {
  CHECK(to_hex(encode(SerfEvent{5, "deploy", {'v'}, true})) ==
        "080384a24343c3a54c54696d6505a44e616d65a66465706c6f79a75061796c6f6164a176");
  CHECK(to_hex(encode(SerfEvent{5, "e", {}, false})) ==
        "080384a24343c2a54c54696d6505a44e616d65a165a75061796c6f6164c0");
}

TEST_CASE("serf messages: what is encoded decodes equal") {
  const SerfEvent event{300, "deploy", Bytes(300, 7), true};
  CHECK(decode_serf_event(serf_body(encode(event))) == event);
  const SerfQuery query{9, 70000, asker, "a", {{0, 1}, {1, 2}}, 3, 2, 3'200'000'000, "load", {1}};
  CHECK(decode_serf_query(serf_body(encode(query))) == query);
  const SerfAnswer answer{9, 70000, "b", answer_is_ack, Bytes(700, 1)};
  CHECK(decode_serf_answer(serf_body(encode(answer))) == answer);
  const SerfRelay relay{asker, "a", {5, 1, 2, 3}};
  CHECK(decode_serf_relay(serf_body(encode(relay))) == relay);
  const KeyAnswer keys{true, "fine", {"k1", "k2"}, "k1"};
  CHECK(decode_key_answer(encode(keys)) == keys);
  CHECK(decode_key_request(encode_key_request(Bytes(32, 3))) == Bytes(32, 3));
}

TEST_CASE("serf messages: a prefix of any of them decodes to nothing") {
  for (const auto& whole :
       {encode(SerfEvent{5, "deploy", {1}, true}),
        encode(SerfQuery{9, 7, asker, "a", {{0}}, 3, 2, 5, "load", {1}}),
        encode(SerfAnswer{9, 7, "b", 1, {1}}), encode(SerfRelay{asker, "a", {5}})}) {
    for (std::size_t size = 2; size < whole.size(); ++size) {
      const auto cut = ByteView(whole).subspan(2, size - 2);
      CHECK_FALSE(decode_serf_event(cut));
      CHECK_FALSE(decode_serf_query(cut));
      CHECK_FALSE(decode_serf_answer(cut));
      CHECK_FALSE(decode_serf_relay(cut));
    }
  }
}

TEST_CASE("serf messages: nowhere to answer, no name, too many filters: refused") {
  SerfQuery query{9, 7, asker, "a", std::vector<Bytes>(max_serf_filters, Bytes{0}),
                  0, 0, 0,     "q", {}};
  CHECK(decode_serf_query(serf_body(encode(query))));
  query.filters.push_back({0});
  CHECK_FALSE(decode_serf_query(serf_body(encode(query))));
  query.filters.clear();
  query.from.port = 0;
  CHECK_FALSE(decode_serf_query(serf_body(encode(query))));
  CHECK_FALSE(decode_serf_answer(serf_body(encode(SerfAnswer{9, 7, "", 0, {}}))));
  CHECK(decode_serf_event(serf_body(encode(SerfEvent{5, "e", Bytes(max_serf_payload, 1), true}))));
  CHECK_FALSE(decode_serf_event(
      serf_body(encode(SerfEvent{5, "e", Bytes(max_serf_payload + 1, 1), true}))));
}

TEST_CASE("serf messages: a state exchange tells its clocks and its events") {
  // {Events: [nil, {Events: [{Name: "d", Payload: "p"}], LTime: 4}], EventLTime: 5, LTime: 2,
  //  QueryLTime: 3}
  const auto state = decode_serf_state(from_hex(
      "0284aa4576656e744c54696d6505a64576656e747392c082a64576656e74739182a44e616d65a164a75061"
      "796c6f6164a170a54c54696d6504a54c54696d6502aa51756572794c54696d6503"));
  REQUIRE(state);
  CHECK(state->time == 2);
  CHECK(state->event_time == 5);
  CHECK(state->query_time == 3);
  CHECK(state->events == std::vector<SerfEvent>{{4, "d", {'p'}, false}});
  CHECK_FALSE(decode_serf_state(from_hex("01")));
  CHECK_FALSE(decode_serf_state(from_hex("0281a64576656e74739182a64576656e747391")));
}
