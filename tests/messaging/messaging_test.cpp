#include <doctest/doctest.h>

#include <algorithm>

#include "coterie/messaging/ask_table.hpp"
#include "coterie/messaging/links.hpp"

using namespace coterie;
using namespace coterie::messaging;

namespace {
constexpr Instant start{5'000'000'000};
const ClusterId cluster{1, 2};
Hello hello(const std::string& name, ClusterId id = cluster, std::uint64_t types = 0) {
  return {.cluster = id,
          .node = name,
          .from_worker = 1,
          .session = SessionId{7},
          .entity_types = types};
}

/// Two link cores joined by a byte pipe that cuts everything into pieces of `piece` bytes.
struct Pair {
  Pair(Hello ha, Hello hb, std::size_t p = 1000)
      : a({}, std::move(ha), Random(1)), b({}, std::move(hb), Random(2)), piece(p) {
    LinkEffects out;
    a.peer_up("b", {}, {}, {1}, start, out);
    a.tick(start, out);
    for (const auto& effect : out)
      if (const auto* dial = std::get_if<Connect>(&effect)) conn_a = dial->conn;
    b.accepted(conn_b, start, seen_b);
    out.clear();
    a.connected(conn_a, out);
    pump(out, true);
  }
  /// Carries writes until nothing moves.
  void pump(LinkEffects effects, bool from_a) {
    for (auto& effect : effects) {
      (from_a ? seen_a : seen_b).push_back(effect);
      if (auto* write = std::get_if<Write>(&effect)) {
        auto& to = from_a ? b : a;
        auto& buffer = from_a ? buffer_b : buffer_a;
        LinkEffects out;
        for (std::size_t at = 0; at < write->bytes.size(); at += piece) {
          append(buffer,
                 ByteView(write->bytes).subspan(at, std::min(piece, write->bytes.size() - at)));
          ByteView rest = buffer;
          while (const auto frame = to.next_frame(from_a ? conn_b : conn_a, rest, start, out))
            frames.push_back(to_bytes(frame->bytes));
          buffer = to_bytes(rest);
        }
        (from_a ? a : b).written(from_a ? conn_a : conn_b);
        pump(std::move(out), !from_a);
      }
    }
  }
  template <class Effect>
  static bool saw(const LinkEffects& effects) {
    return std::any_of(effects.begin(), effects.end(),
                       [](const auto& e) { return std::holds_alternative<Effect>(e); });
  }
  Links a, b;
  std::size_t piece;
  ConnId conn_a{}, conn_b{1};
  Bytes buffer_a, buffer_b;
  LinkEffects seen_a, seen_b;
  std::vector<Bytes> frames;
};
}  // namespace

TEST_CASE(
    "links: a handshake brings both lanes up, and frames arrive whole however the stream is cut") {
  for (const std::size_t piece : {1, 7, 64, 100'000}) {
    CAPTURE(piece);
    Pair pair(hello("a"), hello("b"), piece);
    CHECK(Pair::saw<LaneUp>(pair.seen_a));
    CHECK(Pair::saw<LaneUp>(pair.seen_b));
    const auto lane = pair.a.lane_to("b", 1);
    for (int i = 0; i < 3; ++i) {
      auto* staging = pair.a.stage(lane, 100);
      REQUIRE(staging != nullptr);
      wire::append_control(*staging, wire::FrameKind::table, wire::cluster_tag(cluster),
                           Bytes(88, static_cast<std::uint8_t>(i)));
    }
    LinkEffects out;
    pair.a.flush(start, out);
    CHECK(out.size() == 1);
    pair.pump(std::move(out), true);
    REQUIRE(pair.frames.size() == 3);
    CHECK(pair.frames[2].back() == 2);
  }
}

TEST_CASE(
    "links: another cluster is refused, other entity types are not; who has no cluster adopts") {
  Pair other(hello("a"), hello("b", {9, 9}));
  CHECK(Pair::saw<Refused>(other.seen_a));
  CHECK_FALSE(Pair::saw<LaneUp>(other.seen_a));
  Pair types(hello("a", cluster, 5), hello("b", cluster, 6));  // a new build is rolled out
  CHECK(Pair::saw<LaneUp>(types.seen_b));
  Pair fresh(hello("a"), hello("b", {}));
  CHECK(Pair::saw<AdoptCluster>(fresh.seen_b));
  Pair agent(hello("a", cluster, 5), hello("b", cluster, 0));
  CHECK(Pair::saw<LaneUp>(agent.seen_b));
}

TEST_CASE("links: who belongs to no cluster learns ours and gets no lane") {
  Pair stranger(hello("a", {}), hello("b"));
  CHECK(Pair::saw<AdoptCluster>(stranger.seen_a));
  CHECK_FALSE(Pair::saw<LaneUp>(stranger.seen_a));
  CHECK_FALSE(Pair::saw<LaneUp>(stranger.seen_b));
  CHECK(Pair::saw<Close>(stranger.seen_b));
}

TEST_CASE(
    "links: the connection to a peer's earlier life is closed when it is known to have a new one") {
  auto b = hello("b");
  b.start = StartId{3};
  Pair pair(hello("a"), b);
  const auto lane = pair.a.lane_to("b", 1);
  LinkEffects out;
  pair.a.peer_up("b", {}, StartId{3}, {1}, start, out);
  CHECK(out.empty());
  CHECK(pair.a.is_up(lane));
  pair.a.peer_up("b", {}, StartId{4}, {1}, start, out);
  CHECK(Pair::saw<Close>(out));
  CHECK(Pair::saw<LaneDown>(out));
  out.clear();
  pair.a.tick(start, out);
  CHECK(Pair::saw<Connect>(out));  // at once
}

TEST_CASE("links: the connection to a peer that is at another address now is closed, once") {
  auto b = hello("b");
  b.start = StartId{3};
  Pair pair(hello("a"), b);
  const auto old = address_from(Bytes{10, 0, 0, 1}, 1), anew = address_from(Bytes{10, 0, 0, 2}, 1);
  LinkEffects out;
  pair.a.peer_up("b", old, StartId{3}, {1}, start, out);
  CHECK(out.empty());
  pair.a.peer_up("b", anew, StartId{1}, {1}, start, out);  // an empty directory counts from 1
  CHECK(Pair::saw<Close>(out));
  out.clear();
  pair.a.tick(start, out);
  REQUIRE(Pair::saw<Connect>(out));
  CHECK(std::get<Connect>(out.at(0)).to == anew);
  out.clear();
  pair.a.peer_up("b", anew, StartId{1}, {1}, start, out);
  CHECK(out.empty());
}

TEST_CASE("links: a worker that a new life does not have is not dialled any more") {
  Links links({}, hello("a"), Random(1));
  LinkEffects out;
  links.peer_up("b", {}, StartId{1}, {1, 2}, start, out);
  links.tick(start, out);
  CHECK(out.size() == 2);
  for (const auto& effect : LinkEffects(out))
    links.closed(std::get<Connect>(effect).conn, start, out);
  out.clear();
  links.peer_up("b", {}, StartId{2}, {1}, start, out);
  links.tick(start + 10s, out);
  CHECK(out.size() == 1);
}

TEST_CASE("links: a write that makes no progress ends the lane") {
  Pair pair(hello("a"), hello("b"));
  const auto lane = pair.a.lane_to("b", 1);
  pair.a.stage(lane, 10)->resize(10);
  LinkEffects out;
  pair.a.flush(start, out);
  REQUIRE(Pair::saw<Write>(out));
  out.clear();
  CHECK(pair.a.next_deadline() == start + LinkConfig{}.write_timeout);
  pair.a.tick(start + LinkConfig{}.write_timeout - 1ns, out);
  CHECK(pair.a.is_up(lane));
  pair.a.tick(start + LinkConfig{}.write_timeout, out);
  CHECK_FALSE(pair.a.is_up(lane));
  CHECK(Pair::saw<LaneDown>(out));
}

TEST_CASE("links: a lane is full at its bound, one message earlier it is not") {
  LinkConfig config{.queue_messages = 3, .queue_bytes = 1000};
  Pair pair(hello("a"), hello("b"));
  Links limited(config, hello("a"), Random(1));
  CHECK(limited.stage(0, 1) == nullptr);  // no such lane
  const auto lane = pair.a.lane_to("b", 1);
  std::size_t staged = 0;
  while (auto* staging = pair.a.stage(lane, 1000))
    staging->resize(staging->size() + 1000), ++staged;
  CHECK(staged == LinkConfig{}.queue_bytes / 1000);
  CHECK(pair.a.counters().over_limit == 1);
}

TEST_CASE("links: a stranger that sends anything but a small hello is cut off") {
  for (const auto& bytes : {Bytes(64, 0xff),
                            [] {
                              Bytes out;
                              wire::append_control(out, wire::FrameKind::hello, 0,
                                                   Bytes(max_handshake_bytes, 0));
                              return out;
                            }(),
                            [] {
                              Bytes out;
                              wire::append_control(out, wire::FrameKind::table, 0, Bytes(4, 0));
                              return out;
                            }()}) {
    Links links({}, hello("a"), Random(1));
    LinkEffects out;
    links.accepted(ConnId{5}, start, out);
    ByteView rest = bytes;
    CHECK_FALSE(links.next_frame(ConnId{5}, rest, start, out).has_value());
    CHECK(out == LinkEffects{Close{ConnId{5}}});
    CHECK(links.counters().malformed == 1);
  }
}

TEST_CASE(
    "links: a silent stranger is closed at the handshake time-out, and a lost lane is dialled "
    "again") {
  Links links({}, hello("a"), Random(1));
  LinkEffects out;
  links.accepted(ConnId{5}, start, out);
  links.tick(start + 2s - 1ns, out);
  CHECK(out.empty());
  links.tick(start + 2s, out);
  CHECK(out == LinkEffects{Close{ConnId{5}}});
  Pair pair(hello("a"), hello("b"));
  out.clear();
  pair.a.closed(pair.conn_a, start, out);
  CHECK(Pair::saw<LaneDown>(out));
  out.clear();
  pair.a.tick(pair.a.next_deadline(), out);
  CHECK(Pair::saw<Connect>(out));
}

TEST_CASE("ask table: answers once, expires at the deadline and not before, knows a lane's asks") {
  AskTable asks(start);
  const auto first = asks.open({.token = 1, .lane = 4, .deadline = start + 100ms}).value();
  const auto second = asks.open({.token = 2, .lane = 4, .deadline = start + 5s}).value();
  const auto third = asks.open({.token = 3, .lane = 5, .deadline = start + 5s}).value();
  CHECK(asks.close(second)->token == 2);
  CHECK_FALSE(asks.close(second).has_value());
  CHECK(asks.expire(start + 99ms).empty());
  const auto expired = asks.expire(start + 102ms);
  REQUIRE(expired.size() == 1);
  CHECK(expired[0].token == 1);
  CHECK_FALSE(asks.close(first).has_value());
  const auto reused = asks.open({.token = 9, .lane = 6, .deadline = start + 10s}).value();
  CHECK(reused != first);
  CHECK(asks.where([](const OpenAsk& ask) { return ask.lane == 5; }) == std::vector{third});
  CHECK(asks.close(third)->token == 3);
  auto now = start + 102ms;
  while (asks.size() > 0) {
    now = asks.next_deadline();
    CHECK(now < start + 10s + 3ms);
    for (const auto& ask : asks.expire(now)) CHECK(ask.deadline <= now);
  }
  CHECK(now >= start + 10s);
}

TEST_CASE("ask table: what was sent is kept until its answer, and lost asks are told in order") {
  AskTable asks(start);
  const auto later = asks.open({.token = 1, .lane = 4, .order = 7}).value();
  const auto sooner = asks.open({.token = 2, .lane = 4, .order = 3}).value();
  const auto of_lane = [](const OpenAsk& ask) { return ask.lane == 4; };
  CHECK(asks.where(of_lane) == std::vector{sooner, later});
  CHECK(asks.kept(later).empty());
  CHECK(asks.sent(later, 4, view("first"), true) == 1);
  CHECK(asks.sent(later, 4, view("again"), true) == 2);
  CHECK(text(asks.kept(later)) == "first");
  CHECK(asks.sent(sooner, 4, view("not kept"), false) == 1);
  CHECK(asks.kept(sooner).empty());
  (void)asks.close(later);
  CHECK(asks.sent(later, 4, view("late"), true) == 0);
  CHECK(asks.kept(later).empty());
}

TEST_CASE("ask table: what answers to an earlier number of an ask is late") {
  AskTable asks(start);
  const auto before = asks.open({.token = 1, .deadline = start + 1s}).value();
  const auto after = asks.rename(before);
  CHECK_FALSE(asks.close(before).has_value());
  CHECK(asks.close(after)->token == 1);
  const auto next = asks.open({.token = 2}).value();
  CHECK(next != before);
  CHECK(next != after);
}

TEST_CASE("ask table: no more than its bound is kept, and what is answered makes room") {
  AskTable asks(start);
  const Bytes large(1024 * 1024);
  std::vector<std::uint64_t> open;
  for (std::size_t i = 0; i <= max_kept_bytes / large.size(); ++i) {
    open.push_back(asks.open({.token = i}).value());
    CHECK(asks.sent(open.back(), 4, large, true) == 1);
  }
  CHECK(asks.kept(open.back()).empty());
  CHECK_FALSE(asks.kept(open.front()).empty());
  (void)asks.close(open.front());
  CHECK(asks.sent(open.back(), 4, large, true) == 2);
  CHECK_FALSE(asks.kept(open.back()).empty());
}

TEST_CASE("ask table: one more than the bound is refused") {
  AskTable asks(start);
  for (std::size_t i = 0; i < max_open_asks; ++i)
    REQUIRE(asks.open({.token = i, .deadline = start + 1s}).has_value());
  CHECK_FALSE(asks.open({}).has_value());
}
