#include "coterie/membership.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <future>

#include "coterie/asio.hpp"
#include "coterie/node.hpp"
#include "support/scratch_directory.hpp"

using namespace coterie;

namespace {

Config config_of(const std::string& name, std::vector<std::string> join = {}) {
  return {.name = name,
          .gossip = "127.0.0.1:0",
          .join = std::move(join),
          .log = [](LogLevel, std::string_view) {}};
}

/// Waits until a member is in that state, by the queue's own descriptor; false after 20 s.
bool sees(PoolEvents& events, const std::string& name, const std::string& state) {
  for (int rounds = 0; rounds < 200; ++rounds) {
    while (const auto event = events.poll())
      if (const auto* change = std::get_if<MemberEvent>(&*event))
        if (change->member.name == name && change->member.state == state) return true;
    pollfd ready{events.fd(), POLLIN, 0};
    (void)::poll(&ready, 1, 100);
  }
  return false;
}

}  // namespace

TEST_CASE("membership: two without directories find each other, talk, and a leave is a leave") {
  auto a = Membership::start(config_of("a")).value();
  auto seen = a.events();
  {
    auto b = Membership::start(config_of("b", {a.gossip_address()})).value();
    REQUIRE(sees(seen, "b", "alive"));
    CHECK(a.members().size() == 2);
    CHECK(a.phi("b").value() >= 0);
    std::promise<std::string> heard;
    b.watch([&, told = false](const PoolEvent& event) mutable {
      if (const auto* message = std::get_if<BroadcastEvent>(&event))
        if (!std::exchange(told, true)) heard.set_value(message->name + "=" + message->payload);
      if (const auto* query = std::get_if<QueryEvent>(&event)) CHECK(b.answer(*query, "b's"));
    });
    CHECK(a.broadcast("deploy", "v1"));
    CHECK(heard.get_future().get() == "deploy=v1");
    std::promise<QueryResult> answered;
    a.query("load", "", {.timeout = 1s},
            [&](Result<QueryResult> result) { answered.set_value(std::move(result).value()); });
    const auto result = answered.get_future().get();
    CHECK(result.heard_by == 2);
    REQUIRE(result.answers.size() == 1);
    CHECK(result.answers[0] == QueryReply{"b", "b's"});
  }
  CHECK(sees(seen, "b", "left"));
}

TEST_CASE("membership: it runs on the caller's io_context, whose thread it never blocks") {
  boost::asio::io_context context;
  auto theirs = Membership::start(config_of("theirs")).value();
  auto seen = theirs.events();
  auto mine = start_membership(context, config_of("mine", {theirs.gossip_address()})).value();
  bool found = false, left = false, refused = false;
  mine.watch([&](const PoolEvent& event) {
    const auto* change = std::get_if<MemberEvent>(&event);
    if (change == nullptr || change->member.name != "theirs" || std::exchange(found, true)) return;
    CHECK(mine.phi("theirs").has_value());  // on its own loop it answers at once
    refused = !mine.leave().has_value();
    mine.leave([&] {
      left = true;
      context.stop();
    });
  });
  context.run_for(std::chrono::seconds(20));
  CHECK(found);
  CHECK(refused);
  CHECK(left);
  CHECK(sees(seen, "mine", "left"));
  CHECK_FALSE(mine.broadcast("too", "late").has_value());
}

TEST_CASE("membership: errors name the flag and the remedy") {
  auto a = Membership::start(config_of("a")).value();
  auto taken = config_of("b");
  taken.gossip = a.gossip_address();
  CHECK(to_string(Membership::start(taken).error()).find("stop the process") != std::string::npos);
  CHECK(Membership::start(config_of("")).error().code == make_error_code(Errc::configuration));
  CHECK_FALSE(a.broadcast("big", std::string(max_broadcast, 'x')).has_value());
  auto bare = config_of("c");
  bare.pool = "memberlist";
  auto c = Membership::start(bare).value();
  CHECK_FALSE(c.broadcast("event", "").has_value());
}

TEST_CASE("membership: it stands beside full nodes, which give it no shards") {
  auto a = Membership::start(config_of("a")).value();
  auto seen = a.events();
  const testing::ScratchDirectory directory("membership");
  auto node = Node::start({.name = "n",
                           .gossip = "127.0.0.1:0",
                           .link = "127.0.0.1:0",
                           .management = "127.0.0.1:0",
                           .data = directory.path.string(),
                           .log = [](LogLevel, std::string_view) {}})
                  .value();
  auto beside = Membership::start(config_of("b", {a.gossip_address(), node.gossip_address()}));
  REQUIRE(beside.has_value());
  node.join();
  CHECK(sees(seen, "b", "alive"));
  auto from_node = node.events();
  CHECK(sees(from_node, "b", "alive"));
}

TEST_CASE("membership: metadata far beyond a datagram reaches all, newcomers too, and changes") {
  auto a = Membership::start(config_of("a")).value();
  const auto large = std::string(60'000, 'm');
  CHECK(a.set_metadata(large));
  CHECK_FALSE(a.set_metadata(std::string(max_metadata + 1, 'x')).has_value());
  auto b = Membership::start(config_of("b", {a.gossip_address()})).value();
  const auto shows = [](Membership& at, const std::string& metadata) {
    auto events = at.events();
    for (int rounds = 0; rounds < 200; ++rounds) {
      for (const auto& member : at.members())
        if (member.name == "a" && member.metadata == metadata) return true;
      (void)events.next(100ms);
    }
    return false;
  };
  CHECK(shows(b, large));
  CHECK(a.set_metadata("small"));
  CHECK(shows(b, "small"));
  CHECK(a.set_metadata(""));
  CHECK(shows(b, ""));
}

TEST_CASE("membership: what is shared converges, also for who comes later, and is told of") {
  auto a = Membership::start(config_of("a")).value();
  auto at_a = a.shared();
  CHECK(at_a.add("visits", 3));
  CHECK(at_a.set("leader", "a"));
  CHECK(at_a.insert("tags", "x"));
  auto b = Membership::start(config_of("b", {a.gossip_address()})).value();
  auto at_b = b.shared();
  const auto soon = [&](const std::function<bool()>& holds) {
    auto events = b.events();
    for (int rounds = 0; rounds < 300 && !holds(); ++rounds) (void)events.next(100ms);
    return holds();
  };
  CHECK(soon([&] { return at_b.count("visits") == 3 && at_b.text("leader") == "a"; }));
  CHECK(at_b.add("visits", -1));
  CHECK(at_b.put("where", "a", "rack 1"));
  CHECK(at_b.remove("tags", "x"));
  CHECK(at_a.grow("requests", 7));
  CHECK(soon([&] {
    return at_a.count("visits") == 2 && at_a.items("tags").empty() && at_b.grown("requests") == 7 &&
           at_a.fields("where") == std::map<std::string, std::string>{{"a", "rack 1"}};
  }));
  CHECK_FALSE(at_a.set("big", std::string(max_shared, 'x')).has_value());
  CHECK_FALSE(at_a.set("", "x").has_value());
}

TEST_CASE("membership: a pool without keys migrates: who does not verify hears and is heard") {
  auto plain = Membership::start(config_of("plain")).value();
  auto migrating = config_of("migrating", {plain.gossip_address()});
  migrating.keys = {"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="};
  auto strict = migrating;
  strict.name = "strict";
  migrating.verify_incoming = migrating.verify_outgoing = false;
  auto b = Membership::start(migrating).value();
  auto seen = plain.events();
  CHECK(sees(seen, "migrating", "alive"));
  auto c = Membership::start(strict).value();
  auto from_c = c.events();
  while (const auto event = from_c.next(1s))  // it tries to join meanwhile, in vain
    if (const auto* change = std::get_if<MemberEvent>(&*event))
      CHECK(change->member.name == "strict");
}

TEST_CASE("membership: it may be destroyed in its own callbacks, on either kind of loop") {
  auto other = Membership::start(config_of("other")).value();
  std::promise<void> gone;
  auto own = std::make_shared<std::optional<Membership>>(
      Membership::start(config_of("own", {other.gossip_address()})).value());
  (*own)->watch([own, &gone, done = false](const PoolEvent&) mutable {
    if (std::exchange(done, true)) return;
    own->reset();
    gone.set_value();
  });
  gone.get_future().get();
  boost::asio::io_context context;
  auto mine = std::make_shared<std::optional<Membership>>(
      start_membership(context, config_of("mine", {other.gossip_address()})).value());
  auto shared = (*mine)->shared();
  (*mine)->watch([mine](const PoolEvent&) { mine->reset(); });
  context.run_for(std::chrono::seconds(20));
  CHECK_FALSE(mine->has_value());
  CHECK_FALSE(shared.add("late", 1).has_value());
}

TEST_CASE("membership: whoever asks for the leave is told") {
  auto other = Membership::start(config_of("other")).value();
  auto seen = other.events();
  std::promise<void> first;
  {
    auto own = Membership::start(config_of("own", {other.gossip_address()})).value();
    REQUIRE(sees(seen, "own", "alive"));
    own.leave([&] { first.set_value(); });
    CHECK(own.leave().has_value());
    first.get_future().get();
    CHECK(own.leave().has_value());
  }
  CHECK(sees(seen, "own", "left"));
}
