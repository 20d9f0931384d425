#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "coterie/membership/swim.hpp"
#include "coterie/membership/tag_filter.hpp"
#include "ground.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::membership;
using coterie::testing::from_hex;

namespace {

Address of(std::size_t member) { return at(static_cast<std::uint16_t>(1000 + member)); }

/// Members that know each other; datagrams arrive at once, each only where the switch lets it.
struct Talk {
  explicit Talk(std::size_t size, SwimConfig config = {}) {
    wire::PushPull all;
    for (std::size_t i = 0; i < size; ++i) {
      const auto name = "n" + std::to_string(i);
      all.nodes.push_back({name, of(i), {}, 1, wire::PushPullState::alive, wire::native_versions});
      members.push_back(std::make_unique<Swim>(config, name, of(i), Bytes{}, Random(i + 1), now));
    }
    for (auto& member : members) member->know(all, now);
    seen.resize(size);
  }
  void run(std::size_t i, SwimEffects effects) {
    for (auto& effect : effects) {
      if (auto* sent = std::get_if<SendDatagram>(&effect))
        wire.emplace_back(of(i), std::move(*sent));
      else if (!std::holds_alternative<LogEvent>(effect)) seen[i].push_back(std::move(effect));
    }
    while (!wire.empty()) {
      auto [from, datagram] = std::move(wire.front());
      wire.pop_front();
      const std::size_t to = datagram.to.port - 1000u;
      run(to, members[to]->receive(from, datagram.bytes, now));
    }
  }
  void pass(Duration span) {
    for (const auto end = now + span; now < end;) {
      now = now + 100ms;
      for (std::size_t i = 0; i < members.size(); ++i) run(i, members[i]->tick(now));
    }
  }
  template <class E>
  std::vector<E> all(std::size_t i) const {
    std::vector<E> out;
    for (const auto& effect : seen[i])
      if (const auto* e = std::get_if<E>(&effect)) out.push_back(*e);
    return out;
  }
  Instant now{1'000'000'000};
  std::vector<std::unique_ptr<Swim>> members{};
  std::vector<std::vector<SwimEffect>> seen{};
  std::deque<std::pair<Address, SendDatagram>> wire{};
};

}  // namespace

TEST_CASE("events: one that is broadcast reaches everybody once, the sender included") {
  Talk talk(20);
  talk.run(3, talk.members[3]->broadcast("deploy", {1, 2}, false, talk.now));
  talk.pass(5s);
  for (std::size_t i = 0; i < 20; ++i) {
    CAPTURE(i);
    CAPTURE(talk.all<UserEvent>(i).size());
    CHECK(talk.all<UserEvent>(i) == std::vector<UserEvent>{{1, "deploy", {1, 2}, false}});
  }
  talk.run(7, talk.members[7]->broadcast("deploy", {1, 2}, false, talk.now));
  talk.pass(5s);
  REQUIRE(talk.all<UserEvent>(0).size() == 2);
  CHECK(talk.all<UserEvent>(0)[1].time == 2);  // broadcast knowing of the first
}

TEST_CASE(
    "queries: everybody hears one, who wants answers, and the asker is told when it is over") {
  Talk talk(10);
  talk.run(0, talk.members[0]->query(77, "load", {9}, 2s, talk.now));
  talk.pass(1s);
  for (std::size_t i = 0; i < 10; ++i) {
    const auto asked = talk.all<QueryAsked>(i);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].from == "n0");
    CHECK(asked[0].payload == Bytes{9});
    if (i % 2 == 0) {
      const Bytes payload{static_cast<std::uint8_t>(i)};
      talk.run(i, talk.members[i]->answer(asked[0].query, payload, talk.now));
      talk.run(i, talk.members[i]->answer(asked[0].query, payload, talk.now));  // once only
    }
  }
  CHECK(talk.all<QueryFinished>(0).empty());
  CHECK(talk.all<QueryAnswer>(0).size() == 5);
  talk.pass(2s);
  CHECK(talk.all<QueryFinished>(0) == std::vector<QueryFinished>{{77, 10, 5, false}});
  talk.run(1, talk.members[1]->answer(talk.all<QueryAsked>(1)[0].query, {1}, talk.now));
  CHECK(talk.all<QueryAnswer>(0).size() == 5);  // too late
}

TEST_CASE("queries: as many as the bound says are open at once, one more is refused") {
  Talk talk(1);
  for (std::uint64_t i = 0; i < max_open_queries; ++i)
    talk.run(0, talk.members[0]->query(i, "q", {}, 5s, talk.now));
  CHECK(talk.all<QueryFinished>(0).empty());
  talk.run(0, talk.members[0]->query(1000, "q", {}, 5s, talk.now));
  CHECK(talk.all<QueryFinished>(0) == std::vector<QueryFinished>{{1000, 0, 0, true}});
}

TEST_CASE("events: a bare memberlist pool gets none, and its user messages are none of ours") {
  SwimConfig config;
  config.packet.events = false;
  Talk talk(2, config);
  talk.run(0, talk.members[0]->broadcast("deploy", {}, false, talk.now));
  talk.run(0, talk.members[0]->query(5, "q", {}, 1s, talk.now));
  talk.pass(2s);
  CHECK(talk.all<UserEvent>(1).empty());
  CHECK(talk.all<QueryFinished>(0) == std::vector<QueryFinished>{{5, 0, 0, true}});
  const auto before = talk.members[1]->counters().unsupported;
  talk.run(1, talk.members[1]->receive(of(0), wire::encode(wire::SerfEvent{1, "x", {}, false}),
                                       talk.now));
  CHECK(talk.members[1]->counters().unsupported == before + 1);
}

TEST_CASE("keys: a pool changes its key while it runs, by Serf's own queries") {
  SwimConfig config;
  config.packet.keys = {Bytes(16, 1)};
  Talk talk(3, config);
  const Bytes fresh(32, 2);
  std::uint64_t number = 0;
  const auto change = [&](const char* what, const Bytes& payload) {
    talk.run(0, talk.members[0]->query(++number, what, payload, 1s, talk.now));
    talk.pass(2s);
    std::size_t good = 0;
    for (const auto& answer : talk.all<QueryAnswer>(0))
      if (answer.query == number) good += wire::decode_key_answer(answer.payload)->good ? 1 : 0;
    return good;
  };
  CHECK(change("_serf_use-key", wire::encode_key_request(fresh)) == 0);  // nobody has it yet
  CHECK(change("_serf_install-key", wire::encode_key_request(fresh)) == 3);
  CHECK(change("_serf_use-key", wire::encode_key_request(fresh)) == 3);
  CHECK(change("_serf_remove-key", wire::encode_key_request(Bytes(16, 1))) == 3);
  for (const auto& member : talk.members) CHECK(member->keys().keys() == std::vector<Bytes>{fresh});
  CHECK(change("_serf_list-keys", {}) == 3);
  CHECK(talk.all<QueryAsked>(1).empty());  // no service is asked
}

TEST_CASE("queries: one whose answers would go to a stranger is not answered") {
  Talk talk(3);
  const auto ask = [&](const Address& from, std::uint32_t id) {
    const wire::SerfQuery query{.time = 1,
                                .id = id,
                                .from = from,
                                .source = "x",
                                .flags = 1,
                                .timeout_ns = 1'000'000'000,
                                .name = "q"};
    const auto effects = talk.members[1]->receive(of(2), wire::encode(query), talk.now);
    return std::count_if(effects.begin(), effects.end(), [](const SwimEffect& e) {
      return std::holds_alternative<SendDatagram>(e) || std::holds_alternative<QueryAsked>(e);
    });
  };
  CHECK(ask(of(0), 1) == 2);
  CHECK(ask(of(99), 2) == 0);
}

TEST_CASE("relay: an answer is passed on to a member, and to nobody else") {
  Talk talk(3);
  talk.run(0, talk.members[0]->query(1, "q", {}, 5s, talk.now));
  talk.pass(1s);
  const wire::SerfAnswer answer{1, 0, "far", 0, {}};
  const auto inner = wire::encode(answer);
  const Bytes body(inner.begin() + 1, inner.end());
  auto effects =
      talk.members[1]->receive(of(2), wire::encode(wire::SerfRelay{of(0), "n0", body}), talk.now);
  CHECK(std::count_if(effects.begin(), effects.end(), [](const SwimEffect& e) {
          const auto* sent = std::get_if<SendDatagram>(&e);
          return sent != nullptr && sent->to == of(0);
        }) == 1);
  effects =
      talk.members[1]->receive(of(2), wire::encode(wire::SerfRelay{of(99), "x", body}), talk.now);
  CHECK(effects.empty());
}

TEST_CASE("filters: by name and by tag; an expression that we do not know matches nobody") {
  const auto meta = SerfLayer::encode_tags({{"role", "web-1"}});
  const auto named = from_hex("0092a161a162");
  CHECK(meant_for({named}, "b", meta));
  CHECK_FALSE(meant_for({named}, "c", meta));
  CHECK_FALSE(meant_for({Bytes{}}, "b", meta));
  CHECK_FALSE(meant_for({from_hex("00c1")}, "b", meta));
  CHECK(meant_for({}, "b", {}));
  const auto tagged = from_hex("0182a3546167a4726f6c65a445787072a3776562");  // role, web
  CHECK(meant_for({tagged}, "b", meta));
  CHECK_FALSE(meant_for({tagged}, "b", SerfLayer::encode_tags({})));
  CHECK(matches_expression("web", "my-web-1"));
  CHECK(matches_expression("^web", "web-1"));
  CHECK_FALSE(matches_expression("^web$", "web-1"));
  CHECK(matches_expression("^web.*1$", "web-2-1"));
  CHECK(matches_expression("^w.b-1$", "web-1"));
  CHECK(matches_expression("^db$|^web-1$", "web-1"));
  CHECK(matches_expression("", ""));
  CHECK_FALSE(matches_expression("(w+)+", "web"));
  CHECK_FALSE(matches_expression(std::string(max_tag_expression + 1, 'w'), "web"));
}

TEST_CASE("the event layer: what is too old, or claims a clock near its end, is not new") {
  EventLayer layer;
  CHECK_FALSE(layer.receive(wire::SerfEvent{0, "e", {}, false}));
  CHECK_FALSE(layer.receive(wire::SerfEvent{UINT64_MAX / 2, "e", {}, false}));
  CHECK(layer.receive(wire::SerfEvent{2000, "e", {}, false}));
  CHECK_FALSE(layer.receive(wire::SerfEvent{2000, "e", {}, false}));
  CHECK(layer.stamp_event() == 2001);
  CHECK(layer.receive(wire::SerfEvent{2002 - serf_memory, "e", {}, false}));
  CHECK_FALSE(layer.receive(wire::SerfEvent{2001 - serf_memory, "e", {}, false}));
  // What was before the join is no news.
  EventLayer late;
  late.witness(wire::SerfState{.event_time = 100}, true);
  CHECK_FALSE(late.receive(wire::SerfEvent{99, "e", {}, false}));
  CHECK(late.receive(wire::SerfEvent{100, "e", {}, false}));
}
