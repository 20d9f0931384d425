/// The pool as a program sees it, through coterie::Node alone.
#include <doctest/doctest.h>
#include <poll.h>

#include <coterie/coterie.hpp>
#include <future>

#include "support/scratch_directory.hpp"

using namespace coterie;
using coterie::testing::ScratchDirectory;

namespace {

Result<Node> agent(const ScratchDirectory& directory, const std::string& name,
                   const std::string& join = "") {
  Config config{.name = name,
                .gossip = "127.0.0.1:0",
                .link = "127.0.0.1:0",
                .management = "127.0.0.1:0",
                .data = directory.path / name,
                .bootstrap_expect = 2,
                .profile = "local",
                .log = [](LogLevel, std::string_view) {}};
  if (!join.empty()) config.join = {join};
  return Node::start(std::move(config));
}

/// The next event of one kind for which `wanted` holds; a bound instead of a wait for ever.
template <class E, class F>
std::optional<E> await(PoolEvents& events, F wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < until)
    if (auto event = events.next(1s))
      if (const auto* e = std::get_if<E>(&*event); e != nullptr && wanted(*e)) return *e;
  return std::nullopt;
}

}  // namespace

TEST_CASE("pool: members, events and queries of two nodes, and the end of one") {
  const ScratchDirectory directory("pool");
  auto a = agent(directory, "a");
  REQUIRE(a.has_value());
  auto b = agent(directory, "b", a->gossip_address());
  REQUIRE(b.has_value());
  auto at_a = a->events(), at_b = b->events();
  a->join();
  b->join();
  REQUIRE(await<MemberEvent>(at_a, [](const auto& e) { return e.member.name == "b"; }));
  REQUIRE(await<MemberEvent>(at_b, [](const auto& e) { return e.member.name == "a"; }));
  CHECK(a->members().size() == 2);
  CHECK(a->members()[1].gossip == b->gossip_address());

  REQUIRE(a->broadcast("deploy", std::string("v\0001", 3)).has_value());
  const auto event = await<BroadcastEvent>(at_b, [](const auto&) { return true; });
  REQUIRE(event);
  CHECK(event->payload == std::string("v\0001", 3));
  CHECK(a->broadcast("big", std::string(max_broadcast, 'x')).error().is(Errc::message_too_large));

  std::promise<Result<QueryResult>> result;
  a->query("load", "now", {.timeout = 3s},
           [&](Result<QueryResult> r) { result.set_value(std::move(r)); });
  const auto asked = await<QueryEvent>(at_b, [](const auto& e) { return e.from == "a"; });
  REQUIRE(asked);
  CHECK(asked->payload == "now");
  REQUIRE(b->answer(*asked, "0.5").has_value());
  const auto answers = result.get_future().get();
  REQUIRE(answers.has_value());
  CHECK(answers->heard_by == 2);
  CHECK(answers->answers == std::vector<QueryReply>{{"b", "0.5"}});

  CHECK(a->phi("b").value() >= 0);
  CHECK(a->phi("b").value() <= 300);
  b->stop();
  CHECK(b->phi("a").error().is(Errc::unavailable));
  REQUIRE(await<MemberEvent>(
      at_a, [](const auto& e) { return e.member.name == "b" && e.member.state == "left"; }));
  while (at_b.poll()) continue;
  CHECK_FALSE(at_b.next(30s));  // at once: the node has stopped
  CHECK(b->broadcast("late", "").error().is(Errc::unavailable));
  CHECK(b->query("late", "").error().is(Errc::unavailable));
}

TEST_CASE(
    "pool: a foreign loop may wait for the descriptor, and a slow reader is told what it lost") {
  const ScratchDirectory directory("pool");
  auto a = agent(directory, "a");
  REQUIRE(a.has_value());
  auto events = a->events();
  a->join();
  pollfd waiting{events.fd(), POLLIN, 0};
  REQUIRE(::poll(&waiting, 1, 30'000) == 1);
  REQUIRE(events.poll());  // itself
  while (events.poll()) continue;
  waiting.revents = 0;
  CHECK(::poll(&waiting, 1, 0) == 0);
  // One event more than the queue holds.
  for (std::size_t i = 0; i <= max_pool_events; ++i) REQUIRE(a->broadcast("e", "").has_value());
  auto other = a->events();
  REQUIRE(a->broadcast("last", "").has_value());
  REQUIRE(await<BroadcastEvent>(other, [](const auto& e) { return e.name == "last"; }));
  const auto first = events.poll();
  REQUIRE(first);
  REQUIRE(std::holds_alternative<EventsLost>(*first));
  CHECK(std::get<EventsLost>(*first).count == 2);
}
