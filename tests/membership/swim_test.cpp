#include "coterie/membership/swim.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/membership/node_meta.hpp"
#include "coterie/wire/compound.hpp"
#include "pool.hpp"

using namespace coterie;
using namespace coterie::membership;

TEST_CASE("swim: everyone learns of a join through one seed") {
  Pool pool(8);
  CHECK(pool.run_until([&] { return pool.all_alive(); }, 20s));
}

TEST_CASE("swim: a crash is suspected, then declared dead by everyone within the formula") {
  Pool pool(6);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  pool.nodes_[3].up = false;
  // At most 2N-1 periods until someone probes it, one period of probing, the suspicion, one round
  // of gossip.
  const auto bound = 11s + 1s + suspicion_timeout({}, 6) * 6 + 2s;
  CHECK(pool.run_until([&] { return pool.everyone_sees("n3", MemberState::dead); }, bound));
  CHECK(pool.everyone_sees("n2", MemberState::alive));
}

TEST_CASE(
    "swim: a leave is seen as left, not as dead, and the leaver is told when it has been sent") {
  Pool pool(5);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  pool.run(pool.nodes_[2], pool.nodes_[2].swim->leave(pool.now));
  CHECK(pool.run_until([&] { return pool.everyone_sees("n2", MemberState::left); }, 5s));
  CHECK(pool.run_until([&] { return pool.nodes_[2].left; }, 5s));
}

TEST_CASE("swim: who held a member dead before it heard of its leave holds it left") {
  Pool pool(3);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 10s));
  auto& leaver = pool.nodes_[2];
  auto& late = *pool.nodes_[1].swim;
  const auto incarnation = leaver.swim->self().incarnation.value;
  leaver.up = false;
  for (const auto* accuser : {"n0", "n1"})
    (void)late.receive(at(1000), wire::encode(wire::Suspect{incarnation, "n2", accuser}), pool.now);
  (void)late.receive(at(1000), wire::encode(wire::Dead{incarnation, "n2", "n0"}), pool.now);
  REQUIRE(late.members().find("n2")->state == MemberState::dead);
  (void)late.receive(at(1000), wire::encode(wire::Dead{incarnation, "n2", "n2"}), pool.now);
  CHECK(late.members().find("n2")->state == MemberState::left);
  (void)late.receive(at(1000), wire::encode(wire::Dead{incarnation, "n2", "n0"}), pool.now);
  CHECK(late.members().find("n2")->state == MemberState::left);
}

TEST_CASE("swim: whom a join on its way reaches hears the leave that overtook it") {
  Pool pool(1);
  auto& other = pool.nodes_[0];
  auto& own = pool.add("own");
  auto join = own.swim->join({at(1000)}, pool.now);
  pool.run(own, own.swim->leave(pool.now));
  pool.run(own, own.swim->tick(pool.now));
  CHECK_FALSE(own.left);
  pool.run(own, std::move(join));
  CHECK(pool.run_until([&] { return own.left; }, 3s));
  CHECK(other.swim->members().find("own")->state == MemberState::left);
}

TEST_CASE("swim: a leave does not wait for seeds that do not answer longer than its time-out") {
  Pool pool(0);
  auto& own = pool.add("own");
  (void)own.swim->join({at(1000)}, pool.now);
  pool.run(own, own.swim->leave(pool.now));
  CHECK(pool.run_until([&] { return own.left; }, SwimConfig{}.leave_timeout));
}

TEST_CASE("swim: a restarted member returns by refuting its own death") {
  Pool pool(4);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  pool.nodes_[1].up = false;
  REQUIRE(pool.run_until([&] { return pool.everyone_sees("n1", MemberState::dead); }, 30s));
  pool.restart(1);
  CHECK(pool.run_until([&] { return pool.everyone_sees("n1", MemberState::alive); }, 20s));
  CHECK(pool.nodes_[1].swim->self().incarnation > Incarnation{1});
}

TEST_CASE("swim: a member whose tombstones are older than gossip learns that the others live") {
  Pool pool(3);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 10s));
  pool.nodes_[0].up = pool.nodes_[2].up =
      false;  // cut off, n1 declares both dead, and nobody hears it
  pool.run_until([] { return false; }, SwimConfig{}.gossip_to_the_dead + 30s);
  CHECK(pool.everyone_sees("n2", MemberState::dead));
  pool.nodes_[0].up = pool.nodes_[2].up = true;
  CHECK(pool.run_until([&] { return pool.all_alive(); }, 3 * SwimConfig{}.push_pull_interval));
  for (const auto i : {0u, 2u})
    for (const auto& change : pool.nodes_[i].changes)
      CHECK(change.member.state != MemberState::dead);
}

TEST_CASE("swim: an old death of a member that refuted it is answered with what is known now") {
  Pool pool(4, {.push_pull_interval = 1h,
                .lifeguard = {.suspicion = false, .pauses = false, .last_word = false}});
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 10s));
  const auto old = pool.nodes_[0].swim->members().at("n1").incarnation.value;
  const auto suspicion = wire::encode(wire::Suspect{old, "n1", "n2"});
  auto& deaf = pool.nodes_[3];
  pool.run(deaf, deaf.swim->receive(at(1002), suspicion, pool.now));
  deaf.up = false;  // and it misses the refutation
  auto& accused = pool.nodes_[1];
  pool.run(accused, accused.swim->receive(at(1002), suspicion, pool.now));
  pool.run_until([] { return false; }, 15s);
  REQUIRE(pool.everyone_sees("n1", MemberState::alive));
  deaf.up = true;
  const auto declared = [&] {  // it may be told better within the same instant
    return std::any_of(deaf.changes.begin(), deaf.changes.end(), [](const MemberChanged& change) {
      return change.member.name == "n1" && change.member.state == MemberState::dead;
    });
  };
  REQUIRE(pool.run_until(declared, 20s));
  CHECK(pool.run_until([&] { return pool.everyone_sees("n1", MemberState::alive); }, 3s));
}

TEST_CASE("swim: a suspected member that is alive publishes a higher incarnation at once") {
  Pool pool(2);
  auto& node = pool.nodes_[0];
  const auto effects =
      node.swim->receive(at(1), wire::encode(wire::Suspect{1, "n0", "x"}), pool.now);
  CHECK(node.swim->self().incarnation == Incarnation{2});
  CHECK(node.swim->counters().refutations == 1);
}

TEST_CASE("swim: the seed may appear later; joining is tried again with back-off") {
  Pool pool(1);
  pool.nodes_[0].up = false;
  auto& late = pool.add("late");
  pool.run(late, late.swim->join({at(1000)}, pool.now));
  CHECK_FALSE(pool.run_until([&] { return late.swim->present() == 2; }, 10s));
  pool.nodes_[0].up = true;
  CHECK(pool.run_until([&] { return late.swim->present() == 2; }, 10s));
}

TEST_CASE("swim: another address that claims a known name is a conflict and changes nothing") {
  Pool pool(2);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  auto& node = pool.nodes_[0];
  const auto before = node.swim->members().at("n1");
  (void)node.swim->receive(
      at(9), wire::encode(wire::Alive{99, "n1", at(4444), {}, wire::native_versions}), pool.now);
  CHECK(node.swim->members().at("n1") == before);
  CHECK(node.swim->counters().conflicts == 1);
}

TEST_CASE("swim: garbage is counted, never obeyed, and never crashes") {
  Pool pool(1);
  auto& swim = *pool.nodes_[0].swim;
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    Bytes noise(1 + random.below(std::uint64_t{64}));
    for (auto& b : noise) b = static_cast<std::uint8_t>(random.next());
    noise[0] = static_cast<std::uint8_t>(random.below(std::uint64_t{16}));
    (void)swim.receive(at(1), noise, pool.now);
  }
  CHECK(swim.counters().malformed > 10'000);
  CHECK(swim.members().size() == 1);
  CHECK(swim.self().state == MemberState::alive);
}

TEST_CASE("swim: a stream that never ends is cut at its bound, and streams at theirs") {
  Pool pool(1);
  auto& swim = *pool.nodes_[0].swim;
  (void)swim.stream_accepted(ConnId{1}, pool.now);
  Bytes chunk(1024 * 1024, 0x06);
  wire::PushPull huge{.join = true};
  bool closed = false;
  Bytes header{0x06};
  wire::append_push_pull_header(
      header, {.nodes = 1, .user_state_bytes = wire::max_user_state_bytes, .join = true});
  wire::append_push_pull_node(
      header, {"x", at(5), {}, 1, wire::PushPullState::alive, wire::native_versions});
  (void)swim.stream_received(ConnId{1}, header, pool.now);
  for (int i = 0; i < 9 && !closed; ++i)
    for (const auto& effect : swim.stream_received(ConnId{1}, chunk, pool.now))
      closed = closed || std::holds_alternative<CloseStream>(effect);
  CHECK(closed);
  for (std::uint64_t i = 0; i < max_streams; ++i)
    CHECK(swim.stream_accepted(ConnId{10 + i}, pool.now).empty());
  CHECK(swim.stream_accepted(ConnId{9999}, pool.now).size() == 1);
  CHECK(swim.counters().over_limit == 2);
}

TEST_CASE("swim: a pool at rest sends its probes and nothing else") {
  Pool pool(8);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  pool.run_until([] { return false; }, 20s);  // the joins are told
  const auto sent = [&] {
    std::uint64_t all = 0;
    for (const auto& node : pool.nodes_) all += node.swim->counters().datagrams_out;
    return all;
  };
  const auto before = sent();
  pool.run_until([] { return false; }, 20s);
  for (const auto& node : pool.nodes_) CHECK(node.swim->counters().pauses == 0);
  CHECK(sent() - before <= 8 * 2 * 21);  // a ping and an ack for each member and second
}

TEST_CASE("swim: extra ticks do nothing") {
  Pool pool(3);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  auto& swim = *pool.nodes_[0].swim;
  (void)swim.tick(pool.now);
  CHECK(swim.tick(pool.now).empty());
  CHECK(swim.next_deadline() > pool.now);
}

TEST_CASE("swim: the suspicion time-out follows the formula at its corners") {
  const SwimConfig config;
  CHECK(suspicion_timeout(config, 1) == 4s);
  CHECK(suspicion_timeout(config, 10) == 4s);
  CHECK(suspicion_timeout(config, 32) == 6020ms);
  CHECK(suspicion_timeout(config, 1000) == 12s);
}

TEST_CASE(
    "node metadata: round-trips, stays within 512 bytes, and foreign metadata is none of ours") {
  NodeMeta meta{
      at(1),     at(2), max_data_workers, true, StartId{UINT64_MAX}, {UINT64_MAX, UINT64_MAX},
      UINT64_MAX};
  meta.link = address_from(Bytes(16, 255), 65535);
  const auto bytes = encode(meta);
  CHECK(bytes.size() <= 512);
  CHECK(decode_node_meta(bytes) == meta);
  meta.data_workers = max_data_workers + 1;  // each would cost every peer a lane
  CHECK_FALSE(decode_node_meta(encode(meta)).has_value());
  CHECK_FALSE(decode_node_meta(Bytes{0xff, 0x80}).has_value());
  CHECK_FALSE(decode_node_meta({}).has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_node_meta(ByteView(bytes).first(size)).has_value());
}

TEST_CASE("swim: who repeats an accusation that was refuted is told the refutation at once") {
  Pool pool(3);
  REQUIRE(pool.run_until([&] { return pool.all_alive(); }, 20s));
  auto& node = pool.nodes_[0];
  const auto accusation = wire::encode(wire::Suspect{1, "n0", "n1"});
  (void)node.swim->receive(at(1001), accusation, pool.now);
  REQUIRE(node.swim->self().incarnation == Incarnation{2});
  std::size_t answers = 0;
  for (const auto& effect : node.swim->receive(at(1001), accusation, pool.now))
    if (const auto* sent = std::get_if<SendDatagram>(&effect)) answers += sent->to == at(1001);
  CHECK(answers == 1);
  CHECK(node.swim->self().incarnation == Incarnation{2});
}

TEST_CASE("swim: a suspect is asked for a last word three times before it is declared dead") {
  const Instant start{1'000'000'000};
  SwimConfig config;
  config.push_pull_interval = 1h;
  config.packet.rules.compress = false;
  config.lifeguard.suspicion = false;
  config.probe_interval = 100s;  // no probes meanwhile
  config.probe_timeout = 99s;
  Swim swim(config, "me", at(1), {}, Random(5), start);
  for (std::uint16_t i = 0; i < 5; ++i)
    (void)swim.receive(at(9),
                       wire::encode(wire::Alive{
                           1, "n" + std::to_string(i), at(static_cast<std::uint16_t>(10 + i)), {}}),
                       start);
  auto now = start + 5s;
  while (swim.next_deadline() <= now) (void)swim.tick(swim.next_deadline());
  (void)swim.receive(at(9), wire::encode(wire::Suspect{1, "n0", "n1"}), now);
  std::vector<Instant> asked;
  while (swim.members().at("n0").state == MemberState::suspect) {
    now = std::max(now, swim.next_deadline());
    const auto question = wire::encode(wire::Suspect{1, "n0", "me"});
    for (const auto& effect : swim.tick(now))
      if (const auto* sent = std::get_if<SendDatagram>(&effect))
        if (std::search(sent->bytes.begin(), sent->bytes.end(), question.begin(), question.end()) !=
            sent->bytes.end())
          asked.push_back(now);
  }
  REQUIRE(asked.size() == 3);
  CHECK(asked[2] + last_word_pause == now);
  CHECK(asked[0] + last_word_pause * 3 == now);
}

TEST_CASE(
    "swim: a dead member's name may return from another address after the reclaim time, "
    "a member that left at once") {
  const Instant start{1'000'000'000};
  SwimConfig config;
  config.probe_interval = 1000s;  // nobody is probed
  config.probe_timeout = 1s;
  config.push_pull_interval = 1h;
  Swim swim(config, "me", at(1), {}, Random(5), start);
  const auto claim = [&](const std::string& name, std::uint16_t port, Instant now) {
    (void)swim.receive(at(9), wire::encode(wire::Alive{1, name, at(port), {}}), now);
    return swim.members().at(name).gossip == at(port);
  };
  REQUIRE(claim("dead", 10, start));
  REQUIRE(claim("left", 20, start));
  (void)swim.receive(at(9), wire::encode(wire::Dead{1, "dead", "x"}), start);
  (void)swim.receive(at(9), wire::encode(wire::Dead{1, "left", "left"}), start);
  CHECK(claim("left", 21, start));
  CHECK_FALSE(claim("dead", 11, start + config.reclaim_time - 1ns));
  CHECK(swim.counters().conflicts == 1);
  CHECK(claim("dead", 11, start + config.reclaim_time));
  CHECK(swim.members().at("dead").state == MemberState::alive);
}

TEST_CASE("swim: a ping for an earlier owner of this address is not answered") {
  Pool pool(1);
  auto& swim = *pool.nodes_[0].swim;
  CHECK(swim.receive(at(9), wire::encode(wire::Ping{1, "earlier", {}}), pool.now).empty());
  CHECK(swim.receive(at(9), wire::encode(wire::Ping{1, "n0", {}}), pool.now).size() == 1);
}

TEST_CASE("swim: tombstones are kept for their time and then forgotten") {
  const Instant start{1'000'000'000};
  SwimConfig config;
  config.probe_interval = 1000s;
  config.probe_timeout = 1s;
  config.tombstone_time = 60s;
  Swim swim(config, "me", at(1), {}, Random(5), start);
  (void)swim.receive(at(9), wire::encode(wire::Alive{1, "gone", at(10), {}}), start);
  (void)swim.receive(at(9), wire::encode(wire::Dead{1, "gone", "gone"}), start);
  (void)swim.tick(start + 60s - 1ns);
  CHECK(swim.members().contains("gone"));
  CHECK(swim.next_deadline() <= start + 60s);
  (void)swim.tick(start + 60s);
  CHECK_FALSE(swim.members().contains("gone"));
}
