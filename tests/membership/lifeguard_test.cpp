#include "coterie/membership/lifeguard.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/membership/swim.hpp"
#include "coterie/wire/compound.hpp"
#include "coterie/wire/packet.hpp"
#include "ground.hpp"

using namespace coterie;
using namespace coterie::membership;

namespace {

wire::Alive alive(const std::string& name, std::uint16_t port) {
  return {.incarnation = 1, .node = name, .address = at(port)};
}

/// One member that believes what it is told; the test is all the others.
struct Alone {
  explicit Alone(std::size_t others, SwimConfig config = {})
      : swim(config, "me", at(1), {}, Random(5), start) {
    for (std::size_t i = 0; i < others; ++i)
      tell(wire::encode(alive("n" + std::to_string(i), static_cast<std::uint16_t>(10 + i))));
  }
  SwimEffects tell(const Bytes& message) { return swim.receive(at(999), message, now); }
  /// Ticks at every deadline until `until`; collects what was sent.
  void run(Instant until) {
    while (swim.next_deadline() <= until) {
      now = std::max(now, swim.next_deadline());
      collect(swim.tick(now));
    }
    now = until;
  }
  void collect(const SwimEffects& effects) {
    for (const auto& effect : effects)
      if (const auto* datagram = std::get_if<SendDatagram>(&effect))
        sent.push_back({now, *datagram});
  }
  MemberState state(const std::string& name) { return swim.members().at(name).state; }
  Swim swim;
  Instant now = start;
  std::vector<std::pair<Instant, SendDatagram>> sent;
};

}  // namespace

TEST_CASE("health: it stays between 0 and its maximum and scales spans by one more") {
  LocalHealth health(8);
  health.add(-1);
  CHECK(health.score() == 0);
  CHECK(health.scale(500ms) == 500ms);
  health.add(3);
  CHECK(health.scale(500ms) == 2s);
  health.add(100);
  CHECK(health.score() == 7);
  health.add(-100);
  CHECK(health.score() == 0);
}

TEST_CASE(
    "suspicion: it starts long, falls with each independent accuser and never below the least") {
  // memberlist's own table: k = 3, 2 s to 30 s.
  Suspicion suspicion("a", 3, 2s, 30s, start);
  CHECK(suspicion.expires() == start + 30s);
  CHECK_FALSE(suspicion.confirm("a"));
  CHECK(suspicion.expires() == start + 30s);
  CHECK(suspicion.confirm("b"));
  CHECK(suspicion.expires() == start + 16s);
  CHECK_FALSE(suspicion.confirm("b"));
  CHECK(suspicion.confirm("c"));
  CHECK(suspicion.expires() == start + 7810ms);
  CHECK(suspicion.confirm("d"));
  CHECK(suspicion.expires() == start + 2s);
  CHECK_FALSE(suspicion.confirm("e"));
  suspicion.postpone(5s);
  CHECK(suspicion.expires() == start + 7s);
}

TEST_CASE("suspicion: without confirmations to wait for it has the shortest time-out") {
  CHECK(Suspicion("a", 0, 4s, 24s, start).expires() == start + 4s);
}

TEST_CASE(
    "lifeguard: confirmations by others shorten a suspicion in the member, and are gossiped once") {
  Alone me(9);
  me.tell(wire::encode(wire::Suspect{1, "n0", "n1"}));
  me.tell(wire::encode(wire::Suspect{1, "n0", "n2"}));
  me.tell(wire::encode(wire::Suspect{1, "n0", "n3"}));
  me.run(start + 3900ms);
  CHECK(me.state("n0") == MemberState::suspect);
  me.run(start + 4100ms);  // two confirmations: 4 s instead of 24 s
  CHECK(me.state("n0") == MemberState::dead);
}

TEST_CASE("lifeguard: our own failed probe of a suspect is one more accuser") {
  SwimConfig config;
  config.push_pull_interval = 1h;
  config.lifeguard.confirmations = 1;
  config.lifeguard.probe = false;
  Alone me(2, config);
  me.tell(wire::encode(wire::Suspect{1, "n0", "n1"}));
  me.run(start + 7s);  // it probed n0 twice, without an answer: 4 s instead of 24 s
  CHECK(me.state("n0") == MemberState::dead);
}

TEST_CASE("lifeguard: a suspicion that nobody confirms lasts six times as long") {
  Alone me(9);
  me.tell(wire::encode(wire::Suspect{1, "n0", "n1"}));
  SwimConfig quiet;
  me.run(start + 4100ms);
  CHECK(me.state("n0") == MemberState::suspect);
}

TEST_CASE(
    "lifeguard: a relay answers with a nack at 80 % of the probe time-out, if it was asked to") {
  for (const bool wants : {true, false}) {
    SwimConfig config;
    config.packet.rules.compress = false;  // so that this test can read along
    Alone me(1, config);
    me.collect(me.tell(wire::encode(
        wire::IndirectPing{.sequence = 77, .target = at(10), .node = "n0", .nack = wants})));
    const auto is_nack = [](const SendDatagram& sent) {
      const ByteView bytes = sent.bytes;
      auto parts = bytes[0] == 7 ? wire::unpack_compound(bytes.subspan(1))->parts
                                 : std::vector<ByteView>{bytes};
      return std::any_of(parts.begin(), parts.end(), [](ByteView part) {
        const auto nack = part[0] == 11 ? wire::decode_nack(part.subspan(1)) : std::nullopt;
        return nack && nack->sequence == 77;
      });
    };
    me.run(start + 399ms);
    for (const auto& [when, sent] : me.sent) CHECK_FALSE(is_nack(sent));
    me.run(start + 401ms);
    std::size_t nacks = 0;
    for (const auto& [when, sent] : me.sent) nacks += is_nack(sent) ? 1 : 0;
    CHECK(nacks == (wants ? 1 : 0));
  }
}

TEST_CASE("lifeguard: silence of target and helpers makes our health worse, and probes slower") {
  SwimConfig config;
  config.push_pull_interval = 1h;
  Alone me(6, config);
  me.run(start + 3s);
  CHECK(me.swim.health() >= 3);
  config.lifeguard.max_health = 1;
  Alone without(6, config);
  without.run(start + 3s);
  CHECK(without.swim.health() == 0);
  CHECK(without.swim.counters().probes >= me.swim.counters().probes);
}

TEST_CASE("lifeguard: nobody is judged for the span of our own pause") {
  SwimConfig config;
  for (const bool notices : {true, false}) {
    config.lifeguard.pauses = notices;
    config.lifeguard.last_word = false;
    Alone me(9, config);
    me.tell(wire::encode(wire::Suspect{1, "n0", "n1"}));
    me.run(start + 500ms);
    me.now = start + 60s;  // SIGSTOP
    me.collect(me.swim.tick(me.now));
    CHECK((me.state("n0") == MemberState::dead) != notices);
    CHECK(me.swim.counters().pauses == (notices ? 1 : 0));
    CHECK((me.swim.health() > 0) == notices);
  }
}

TEST_CASE("lifeguard: a hundred milliseconds late is a loaded machine, not a pause") {
  Alone me(2);
  me.run(start + 2s);
  const auto due = me.swim.next_deadline();
  me.now = due + 100ms;
  (void)me.swim.tick(me.now);
  CHECK(me.swim.counters().pauses == 0);
}

TEST_CASE("lifeguard: a fifth of the time without the processor is ill health, less is not") {
  Alone me(3);
  (void)me.swim.starved(199ms, 1s, me.now);
  CHECK(me.swim.health() == 0);
  (void)me.swim.starved(200ms, 1s, me.now);
  CHECK(me.swim.health() == 1);
  CHECK(me.swim.counters().starved == 1);
  (void)me.swim.starved(5s, 0s, me.now);  // no time has passed
  CHECK(me.swim.health() == 1);
}

TEST_CASE("datagram: it costs no more than its bounds in messages and in what it unfolds to") {
  Alone me(0);
  std::vector<Bytes> pings(255, wire::encode(wire::Ping{1, "me", {}}));
  std::vector<Bytes> nested(3, wire::pack(pings));
  const auto answers = me.tell(wire::pack(nested));
  CHECK(answers.size() <= max_datagram_messages);
  CHECK(me.swim.counters().over_limit > 0);
  const auto bomb = wire::compress(Bytes(700 * 1024, 8));
  const auto before = me.swim.refusals();
  me.tell(wire::pack(std::vector<Bytes>(2, bomb)));  // one fits, two do not
  CHECK(me.swim.refusals() == before + 1);
}
