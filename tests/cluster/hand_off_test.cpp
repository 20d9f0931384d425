/// A planned move on the side of who gives the shard away, and of who asks meanwhile. The whole of
/// it runs in the simulator; here is what its schedules reach seldom.
#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;
using replication::Register;
using replication::Rule;

namespace {

/// Shard of "x": led by us, with `0` in sync, which is to lead next.
struct HandOff : Bench {
  explicit HandOff(std::uint64_t features = 0)
      : Bench(false, of_cluster(1)), peer(*this, features) {
    auto routes = std::make_shared<Routes>();
    routes->cluster = our_cluster;
    routes->table.entity_types = 1;
    routes->peers = {{"0", {}, 1, StartId{5}, true, their_copy.disk}};
    for (auto& entry : routes->table.registers) entry = led_by("a", Epoch{1});
    routes->table.registers[shard_of_x.value].in_sync = {our_copy, their_copy};
    routes->table.registers[shard_of_x.value].replicas = {our_copy, their_copy};
    given = routes;
    tell();
  }
  void tell() {
    core.routes(given, now, *this);
    core.flush(now, *this);
    peer.settle();
  }
  void change(const Register& entry) {
    auto routes = std::make_shared<Routes>(*given);
    routes->table.registers[shard_of_x.value] = entry;
    given = routes;
    tell();
  }
  [[nodiscard]] const Register& entry() const { return given->table.at(shard_of_x); }
  void name_successor() {
    auto next = entry();
    next.epoch = Epoch{2};
    next.successor = their_copy;
    change(next);
  }
  OtherNode peer;
};

}  // namespace

TEST_CASE("hand-off: with a successor in sync the shard drains and its switch is proposed") {
  HandOff bench;
  bench.name_successor();
  REQUIRE(bench.proposals.size() == 1);
  const auto& swap = bench.proposals[0];
  CHECK(swap.shard == shard_of_x);
  CHECK(swap.expected == Epoch{2});
  CHECK(swap.desired.leader() == their_copy);
  CHECK(swap.desired.start == StartId{5});
  CHECK(swap.desired.rule == Rule::handed_over);
  CHECK(swap.desired.before == "a");
  CHECK_FALSE(swap.desired.moves());
  CHECK(bench.reports.back().phase == ShardPhase::handing_over);
}

TEST_CASE(
    "hand-off: a successor of whom only the life of another directory is known is waited for") {
  HandOff bench;
  auto routes = std::make_shared<Routes>(*bench.given);
  routes->peers[0].disk = their_copy.disk + 1;
  bench.given = routes;
  bench.name_successor();
  CHECK(bench.proposals.empty());
  CHECK(bench.reports.back().phase == ShardPhase::serving);
  routes = std::make_shared<Routes>(*bench.given);
  routes->peers[0].disk = their_copy.disk;
  routes->peers[0].start = StartId{1};
  bench.given = routes;
  bench.tell();
  REQUIRE(bench.proposals.size() == 1);
  CHECK(bench.proposals[0].desired.start == StartId{1});
}

TEST_CASE("hand-off: a successor that is not in sync is waited for, and the shard serves") {
  HandOff bench;
  auto next = bench.entry();
  next.epoch = Epoch{2};
  next.in_sync = {our_copy};
  next.successor = their_copy;
  bench.peer.silent = true;
  bench.change(next);
  bench.ask(0);
  bench.sync();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.last().status == 0);
  for (const auto& swap : bench.proposals) CHECK(swap.desired.primary == "a");
}

TEST_CASE(
    "hand-off: a command that waits for the switch goes to the new primary, and its answer back") {
  HandOff bench;
  bench.name_successor();
  bench.peer.request("x", shard_of_x);
  bench.ask(0);
  CHECK(bench.peer.requests.empty());
  CHECK(bench.core.parked() == 2);
  bench.peer.kinds.clear();
  bench.change(bench.proposals[0].desired);
  REQUIRE(bench.peer.requests.size() == 2);
  CHECK(bench.core.parked() == 0);
  // It hears of the register before it hears of the commands.
  CHECK(bench.peer.kinds.at(0) == wire::FrameKind::placement);
  CHECK((bench.peer.requests[0].first.flags & wire::flag_forwarded) != 0);
  CHECK((bench.peer.requests[1].first.flags & wire::flag_forwarded) == 0);  // our own
  CHECK(bench.peer.replies.empty());
  bench.peer.reply(bench.peer.requests[0].first, 0);
  bench.peer.settle();
  REQUIRE(bench.peer.replies.size() == 1);
  CHECK(bench.peer.replies[0].first.status == 0);
  CHECK(bench.peer.replies[0].first.sequence == 1);
}

TEST_CASE(
    "hand-off: what comes late is sent on for a while, once, and then its sender hears Moved") {
  HandOff bench;
  bench.name_successor();
  bench.change(bench.proposals[0].desired);
  bench.peer.request("x", shard_of_x);
  bench.peer.settle();
  CHECK(bench.peer.requests.size() == 1);
  CHECK(bench.core.counters().forwarded == 1);
  bench.peer.request("x", shard_of_x, 0, Epoch{1},
                     static_cast<std::uint16_t>(wire::flag_ask | wire::flag_forwarded));
  bench.peer.settle();
  REQUIRE(bench.peer.replies.size() == 1);
  CHECK(bench.peer.replies[0].first.status == code(Errc::moved));
  bench.now = bench.now + forward_for;
  bench.peer.request("x", shard_of_x);
  bench.peer.settle();
  CHECK(bench.peer.requests.size() == 1);
  REQUIRE(bench.peer.replies.size() == 2);
  CHECK(bench.peer.replies[1].first.status == code(Errc::moved));
}

TEST_CASE(
    "hand-off: a command whose sender knows of a later epoch is not sent on, but waits for it") {
  HandOff bench;
  bench.name_successor();
  bench.change(bench.proposals[0].desired);
  const auto back = bench.entry().led_by(our_copy, StartId{1}, Rule::handed_over);
  bench.peer.request("x", shard_of_x, 0, back.epoch);
  CHECK(bench.peer.requests.empty());
  CHECK(bench.core.parked() == 1);
  bench.change(back);
  bench.peer.settle();
  REQUIRE(bench.peer.replies.size() == 1);
  CHECK(bench.peer.replies[0].first.status == 0);
}

// Seed 4979: the shard came back before what was to be sent on had credit.
TEST_CASE("hand-off: what waits for credit to be sent on comes before what its sender sent later") {
  HandOff bench(messaging::feature_credits);
  bench.name_successor();
  bench.change(bench.proposals[0].desired);
  for (std::uint64_t i = 0; i < messaging::CreditConfig{}.messages; ++i) bench.ask(0);
  bench.peer.settle();
  const auto sent = bench.peer.requests.size();
  const auto back = bench.entry().led_by(our_copy, StartId{1}, Rule::handed_over);
  bench.peer.request("x", shard_of_x);                 // of the epoch that we gave away
  bench.peer.request("x", shard_of_x, 0, back.epoch);  // its sender knows that it is ours again
  CHECK(bench.peer.requests.size() == sent);
  CHECK(bench.core.parked() == 2);
  bench.peer.silent = true;  // the barrier is not committed yet
  bench.change(back);
  bench.ask(0);  // whatever comes next looks after what waits
  CHECK(bench.peer.replies.empty());
  bench.peer.silent = false;
  bench.now = bench.now + 200ms;
  bench.core.tick(bench.now, bench);
  bench.peer.settle();
  REQUIRE(bench.peer.replies.size() == 2);
  const auto value = [&](std::size_t i) {
    return wire::MsgpackReader(bench.peer.replies[i].second).signed_integer();
  };
  CHECK(bench.peer.replies[0].first.sequence == 1);
  CHECK(bench.peer.replies[1].first.sequence == 2);
  CHECK(value(0) < value(1));
}

TEST_CASE("hand-off: who does not drain in time leads on and serves what waited") {
  HandOff bench;
  bench.peer.silent = true;
  bench.ask(0);  // never acknowledged by `0`
  bench.name_successor();
  bench.ask(1);
  CHECK(bench.proposals.empty());
  CHECK(bench.core.parked() == 1);
  CHECK(bench.core.next_deadline() <= bench.now + drain_limit);
  bench.now = bench.now + drain_limit;
  bench.core.tick(bench.now, bench);
  CHECK(bench.core.parked() == 0);
  CHECK(bench.reports.back().phase == ShardPhase::serving);
  bench.peer.silent = false;
  bench.now = bench.now + 200ms;
  bench.core.tick(bench.now, bench);
  bench.core.flush(bench.now, bench);
  bench.peer.settle();
  CHECK(bench.done.size() == 2);
  CHECK(bench.proposals.empty());  // it waits before it tries again
  bench.now = bench.now + hand_off_pause;
  bench.core.tick(bench.now, bench);
  bench.core.flush(bench.now, bench);
  bench.peer.settle();
  CHECK(bench.proposals.size() == 1);
}

TEST_CASE("hand-off: a successor that goes away before the switch changes nothing") {
  HandOff bench;
  bench.peer.silent = true;
  bench.ask(0);
  bench.name_successor();
  auto next = bench.entry();
  next.epoch = Epoch{3};
  next.successor = {};
  bench.peer.silent = false;
  bench.change(next);
  CHECK(bench.proposals.empty());
  CHECK(bench.done.size() == 1);
  CHECK(bench.reports.back().phase == ShardPhase::serving);
}

TEST_CASE("hand-off: a sender holds its commands until what it sent before has arrived") {
  HandOff bench;
  auto next = bench.entry().led_by(their_copy, StartId{5}, Rule::failed_over);
  bench.change(next);  // `0` leads
  bench.ask(0);
  bench.peer.settle();
  REQUIRE(bench.peer.requests.size() == 1);
  bench.peer.kinds.clear();
  bench.peer.bodies.clear();
  bench.change(next.led_by(our_copy, StartId{1}, Rule::handed_over));
  REQUIRE(std::count(bench.peer.kinds.begin(), bench.peer.kinds.end(), wire::FrameKind::fence) ==
          1);
  bench.ask(0);
  bench.peer.settle();
  CHECK(bench.done.empty());  // also the first one: who handed over answers it
  const auto at =
      std::find(bench.peer.kinds.begin(), bench.peer.kinds.end(), wire::FrameKind::fence) -
      bench.peer.kinds.begin();
  auto body = bench.peer.bodies[static_cast<std::size_t>(at)];
  CHECK(body[10] == 0);
  body[10] = 1;  // `0` sends it on to the new primary: to us
  bench.peer.send(wire::FrameKind::fence, body);
  bench.peer.settle();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.last().status == 0);
}

TEST_CASE("hand-off: a fence that does not pass is given up, and what was before it is unknown") {
  HandOff bench;
  auto next = bench.entry().led_by(their_copy, StartId{5}, Rule::failed_over);
  bench.change(next);
  bench.ask(0);
  bench.change(next.led_by(our_copy, StartId{1}, Rule::handed_over));
  bench.ask(0);
  CHECK(bench.core.next_deadline() <= bench.now + fence_wait);
  bench.now = bench.now + fence_wait;
  bench.core.tick(bench.now, bench);
  bench.peer.settle();
  REQUIRE(bench.done.size() == 2);
  CHECK(bench.done[0].status == code(Errc::unavailable));
  CHECK(bench.done[1].status == 0);
  CHECK(bench.core.counters().fences_lost == 1);
}

TEST_CASE("hand-off: a fence that is malformed or in another's name ends the connection") {
  for (const Bytes& body :
       {Bytes{1, 2}, Bytes{1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 'b'},
        Bytes{1, 9, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, '0'}}) {
    HandOff bench;
    bench.peer.send(wire::FrameKind::fence, body);
    messaging::LinkEffects out;
    bench.peer.links.flush(bench.now, out);
    for (auto& effect : out)
      if (auto* write = std::get_if<messaging::Write>(&effect))
        (void)bench.core.received(bench.peer.theirs, write->bytes, bench.now, bench);
    CHECK(std::any_of(bench.links.begin(), bench.links.end(), [](const auto& effect) {
      return std::holds_alternative<messaging::Close>(effect);
    }));
  }
}

TEST_CASE("hand-off: a fence that comes before the news waits for the news") {
  HandOff bench;
  auto next = bench.entry().led_by(their_copy, StartId{5}, Rule::failed_over);
  bench.change(next);  // `0` leads, as far as we know
  bench.peer.kinds.clear();
  const Bytes fence{static_cast<std::uint8_t>(shard_of_x.value),
                    0,
                    7,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    1,
                    3,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    '0'};  // sent on by `0`, of epoch 3, raised by `0`
  bench.peer.send(wire::FrameKind::fence, fence);
  bench.peer.settle();
  const auto passed = [&] {
    return std::count(bench.peer.kinds.begin(), bench.peer.kinds.end(),
                      wire::FrameKind::fence_passed);
  };
  CHECK(passed() == 0);
  CHECK(bench.core.parked() == 1);
  bench.change(next.led_by(our_copy, StartId{1}, Rule::handed_over));
  CHECK(passed() == 1);
  CHECK(bench.core.parked() == 0);
}

TEST_CASE("hand-off: only who handed a shard over or leads it is believed where it is") {
  HandOff bench;
  const auto tell = [&](const Register& entry) {
    Bytes body;
    append_le(body, shard_of_x.value);
    replication::append_register(body, entry);
    bench.peer.send(wire::FrameKind::placement, body);
    bench.peer.settle();
    bench.peer.requests.clear();
    bench.ask(0);
    bench.peer.settle();
    return !bench.peer.requests.empty();
  };
  auto stranger = bench.entry().led_by({"c", 3}, StartId{1}, Rule::handed_over);
  CHECK_FALSE(tell(stranger));
  auto absurd = bench.entry().led_by(their_copy, StartId{5}, Rule::failed_over);
  absurd.epoch = Epoch{UINT64_MAX};
  CHECK_FALSE(tell(absurd));
  CHECK(tell(bench.entry().led_by(their_copy, StartId{5}, Rule::failed_over)));
}

TEST_CASE("hand-off: a command of an epoch that never comes is answered after a while") {
  HandOff bench;
  bench.peer.request("x", shard_of_x, 0, Epoch{77});
  CHECK(bench.core.parked() == 1);
  bench.now = bench.now + news_wait;
  bench.core.tick(bench.now, bench);
  bench.core.flush(bench.now, bench);
  bench.peer.read_answers();
  CHECK(bench.core.parked() == 0);
  REQUIRE(bench.peer.replies.size() == 1);
  CHECK(bench.peer.replies[0].first.status == code(Errc::expired));
}

TEST_CASE(
    "hand-off: an append that waits from one look to the next stalls, unless we stood still") {
  HandOff bench;
  const auto stalls = [&](Duration after) {
    bench.now = bench.now + after;
    bench.core.tick(bench.now, bench);
    return bench.core.copy_of(shard_of_x) != nullptr && bench.reports.back().stalls;
  };
  CHECK_FALSE(stalls(lag_interval));
  bench.ask(0);  // its disk is the test, which does nothing
  CHECK_FALSE(stalls(lag_interval));
  CHECK_FALSE(stalls(3 * lag_interval));
  CHECK(stalls(lag_interval));
  bench.peer.settle();
  CHECK_FALSE(stalls(lag_interval));
}

TEST_CASE(
    "hand-off: a disk that waits is looked at, and so is when it is well, with nothing else due") {
  Bench bench(false);
  bench.owner("a", Epoch{1});  // its barriers wait
  const auto stalls_after = [&](Duration span) {
    for (const auto end = bench.now + span; bench.now < end;) {
      bench.now = earliest(end, std::max(bench.now, bench.core.next_deadline()));
      bench.core.tick(bench.now, bench);
    }
    return bench.reports.back().stalls;
  };
  CHECK(stalls_after(3 * lag_interval));
  bench.sync();
  CHECK_FALSE(stalls_after(2 * lag_interval));
}

TEST_CASE("hand-off: a shard whose disk failed for good is led on by another of its in-sync set") {
  HandOff bench;
  bench.ask(0);
  bench.core.journal(replication::AppendFailed{.shard = shard_of_x,
                                               .index = LogIndex{2},
                                               .error = error(Errc::storage, "EIO"),
                                               .fatal = true},
                     bench.now, bench);
  bench.now = bench.now + 200ms;
  bench.core.tick(bench.now, bench);
  bench.core.flush(bench.now, bench);
  CHECK(bench.last().status == code(Errc::storage));
  CHECK(bench.reports.back().phase == ShardPhase::failed);
  CHECK(bench.reports.back().stalls);
  REQUIRE_FALSE(bench.proposals.empty());
  CHECK(bench.proposals.back().desired.leader() == their_copy);
  bench.now = bench.now + 10 * reopen_pause;  // it is not tried again
  bench.core.tick(bench.now, bench);
  CHECK(bench.reports.back().phase == ShardPhase::failed);
}

TEST_CASE(
    "hand-off: those whose disks are all slow or full give a shard to each other in no hurry") {
  HandOff bench;
  auto routes = std::make_shared<Routes>(*bench.given);
  routes->peers[0].slow = true;
  bench.given = routes;
  bench.tell();
  bench.ask(0);
  bench.core.journal(
      replication::AppendFailed{
          .shard = shard_of_x, .index = LogIndex{2}, .error = error(Errc::storage, "full")},
      bench.now, bench);
  const auto proposed_after = [&](Duration span) {
    bench.proposals.clear();
    bench.now = bench.now + span;
    bench.core.tick(bench.now, bench);
    return !bench.proposals.empty();
  };
  CHECK(proposed_after(200ms));
  CHECK_FALSE(proposed_after(200ms));
  CHECK_FALSE(proposed_after(give_up_pause - 201ms));
  CHECK(proposed_after(1ms));
  routes = std::make_shared<Routes>(*bench.given);
  routes->peers[0].slow = false;  // one that is well is asked again at once
  bench.given = routes;
  bench.core.routes(bench.given, bench.now, bench);
  CHECK(proposed_after(give_up_pause));
  CHECK(proposed_after(200ms));
}

TEST_CASE("hand-off: where too few copies are up a command is told so, until enough are back") {
  HandOff bench;
  const auto present = [&](bool is) {
    auto routes = std::make_shared<Routes>(*bench.given);
    routes->peers[0].present = is;
    routes->table.registers[shard_of_x.value].min_in_sync = 2;
    bench.given = routes;
    bench.core.routes(bench.given, bench.now, bench);
    for (int look = 0; look < 3; ++look) {
      bench.now = bench.now + lag_interval;
      bench.core.tick(bench.now, bench);
    }
  };
  present(false);
  const auto told = bench.done.size();
  bench.ask(1);
  REQUIRE(bench.done.size() == told + 1);
  CHECK(bench.last().status == code(Errc::unavailable));
  CHECK(bench.last().retry == 500);
  present(true);
  bench.ask(1);
  CHECK(bench.done.size() == told + 1);  // it waits for its round
}
