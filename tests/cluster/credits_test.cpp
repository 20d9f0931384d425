/// How much goes to another node before it has taken what went before, on both sides.
#include "coterie/messaging/credits.hpp"

#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

constexpr auto credit_messages = messaging::CreditConfig{}.messages;

/// An id of another group of shards than that of "x".
std::string elsewhere() {
  for (int i = 0;; ++i)
    if (const auto id = "y" + std::to_string(i);
        messaging::credit_group(shard_of_id(id)) != messaging::credit_group(shard_of_x))
      return id;
}

/// Every shard is led by `leader`.
struct Flow : Bench {
  explicit Flow(const std::string& leader, std::uint64_t features = messaging::feature_credits)
      : Bench(false, of_cluster(1)), peer(*this, features) {
    auto routes = std::make_shared<Routes>();
    routes->cluster = our_cluster;
    routes->table.entity_types = 1;
    routes->peers = {{"0", {}, 1, StartId{5}, true}};
    for (auto& entry : routes->table.registers) entry = led_by(leader, Epoch{1});
    given = routes;
    core.routes(routes, now, *this);
    core.flush(now, *this);
    peer.read_answers();
  }
  void tell(std::uint64_t count, bool waits = false, const std::string& id = "x") {
    for (std::uint64_t i = 0; i < count; ++i)
      core.ask({.token = ++tokens,
                .type = types[0].id,
                .id = id,
                .tag = 0,
                .deadline = now + 5s,
                .wants_reply = waits,
                .waits = waits},
               now, *this);
    core.flush(now, *this);
    peer.read_answers();
  }
  void grant(std::uint64_t messages, std::uint64_t bytes, const std::string& id = "x") {
    const messaging::Grant grant{
        static_cast<std::uint8_t>(messaging::credit_group(shard_of_id(id))), messages, bytes};
    peer.send(wire::FrameKind::credit, messaging::encode({grant}));
    messaging::LinkEffects out;
    peer.links.flush(now, out);
    peer.exchange(std::move(out));
  }
  [[nodiscard]] static std::uint64_t cost(std::uint64_t messages) {
    return messages * (wire::request_header_bytes + 1);
  }
  OtherNode peer;
};

}  // namespace

TEST_CASE("flow: an owner that takes nothing is sent a window full, and the next ask is busy") {
  Flow bench("0");
  bench.tell(credit_messages);
  CHECK(bench.peer.requests.size() == credit_messages);
  bench.ask(0);
  CHECK(bench.last().status == code(Errc::busy));
  CHECK(bench.last().retry == 10);
  bench.tell(1, false, elsewhere());
  CHECK(bench.peer.requests.size() == credit_messages + 1);
  CHECK(bench.core.counters().sent == credit_messages + 1);
}

TEST_CASE("flow: who chose to wait goes in its order when there is credit again") {
  Flow bench("0");
  bench.tell(credit_messages);
  bench.tell(3, true);
  CHECK(bench.core.parked() == 3);
  bench.ask(0);  // does not overtake
  CHECK(bench.last().status == code(Errc::busy));
  bench.grant(2, bench.cost(2));
  bench.peer.read_answers();
  CHECK(bench.peer.requests.size() == credit_messages + 2);
  CHECK(bench.core.parked() == 1);
  const auto& first = bench.peer.requests[credit_messages].first;
  const auto& second = bench.peer.requests[credit_messages + 1].first;
  CHECK(first.sequence < second.sequence);
}

TEST_CASE("flow: a fence goes behind what was there before it and waits for credit") {
  Flow bench("0");
  bench.tell(credit_messages);
  bench.tell(1, true);
  Bytes fence;
  append_le(fence, shard_of_x.value);
  append_le(fence, std::uint64_t{5});
  append_le(fence, std::uint8_t{0});
  append_le(fence, std::uint64_t{1});
  append(fence, view("0"));
  bench.peer.kinds.clear();
  bench.peer.send(wire::FrameKind::fence, fence);
  bench.grant(0, 0);
  CHECK(bench.peer.kinds.empty());
  bench.grant(4, bench.cost(4));
  bench.peer.read_answers();
  using Kind = wire::FrameKind;
  CHECK(bench.peer.kinds == std::vector{Kind::request, Kind::placement, Kind::fence});
}

TEST_CASE("flow: who waits for credit is answered at its deadline") {
  Flow bench("0");
  bench.tell(credit_messages);
  bench.tell(1, true);
  bench.now = bench.now + 6s;
  bench.core.tick(bench.now, bench);
  CHECK(bench.done.size() == 1);
  CHECK(bench.core.parked() == 0);
}

TEST_CASE("flow: a grant of more than was sent ends the connection") {
  Flow bench("0");
  bench.tell(1);
  bench.grant(2, bench.cost(2));
  bench.ask(0);  // it waits for that peer to come back
  CHECK(bench.peer.requests.size() == 1);
  CHECK(bench.done.empty());
  bench.pass(reroute_wait);
  CHECK(bench.last().status == code(Errc::unavailable));
}

TEST_CASE("flow: a peer that knows nothing of credits is sent whatever there is") {
  Flow bench("0", 0);
  bench.tell(credit_messages + 1);
  CHECK(bench.peer.requests.size() == credit_messages + 1);
}

TEST_CASE("flow: what waits for a recovery gives no credit back, and what was taken does") {
  Flow bench("a");
  bench.sync();
  const auto granted = [&] {
    std::uint64_t messages = 0;
    for (std::size_t i = 0; i < bench.peer.kinds.size(); ++i)
      if (bench.peer.kinds[i] == wire::FrameKind::credit)
        messages = messaging::decode_grants(bench.peer.bodies[i])->front().messages;
    return messages;
  };
  for (std::uint64_t i = 0; i < credit_messages / 4; ++i)
    bench.peer.request("x", shard_of_x, 1, Epoch{1}, 0);
  bench.core.flush(bench.now, bench);
  bench.peer.read_answers();
  CHECK(granted() == credit_messages / 4);
  bench.core.journal(
      replication::AppendFailed{shard_of_x, LogIndex{2}, error(Errc::storage, "full"), false},
      bench.now, bench);
  bench.recovers = false;
  bench.now = bench.now + reopen_pause;
  bench.core.tick(bench.now, bench);
  for (std::uint64_t i = 0; i < credit_messages / 4; ++i)
    bench.peer.request("x", shard_of_x, 1, Epoch{1}, 0);
  bench.core.flush(bench.now, bench);
  bench.peer.read_answers();
  CHECK(bench.core.parked() == credit_messages / 4);
  CHECK(granted() == credit_messages / 4);
  CHECK(bench.core.flow_balances());
}

TEST_CASE("flow: a command that there is no room for leaves no empty queue behind") {
  Flow bench("0");
  const auto other = elsewhere();
  bench.tell(credit_messages, false, other);
  bench.tell(credit_messages);
  bench.tell(max_parked_commands, true);
  CHECK(bench.core.parked() == max_parked_commands);
  bench.tell(1, true, other);
  CHECK(bench.last().status == code(Errc::busy));
  bench.grant(2, 2 * (wire::request_header_bytes + other.size()), other);
  bench.tell(1, false, other);
  CHECK(bench.peer.requests.size() == 2 * credit_messages + 1);
}
