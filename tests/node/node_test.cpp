/// A node as a program sees it: in this process, on real sockets and a real disk.
#include <doctest/doctest.h>

#include <atomic>
#include <coterie/coterie.hpp>
#include <coterie/msgpack.hpp>
#include <thread>

#include "support/scratch_directory.hpp"

using namespace coterie;
using coterie::testing::ScratchDirectory;

namespace {

struct Counter {
  std::int64_t count = 0;
  struct Add {
    std::int64_t n{};
    MSGPACK_DEFINE(n)
  };
  struct Added {
    std::int64_t n{};
    MSGPACK_DEFINE(n)
  };
  using Commands = List<Add>;
  using Events = List<Added>;
  using Decision = coterie::Decision<Counter, std::int64_t>;
  Decision decide(const Add& c) const { return persist(Added{c.n}).reply(&Counter::count); }
  void evolve(const Added& e) { count += e.n; }
};

Config config(const ScratchDirectory& directory) {
  return {.name = "a",
          .gossip = "127.0.0.1:0",
          .link = "127.0.0.1:0",
          .management = "127.0.0.1:0",
          .data = directory.path,
          .log = [](LogLevel, std::string_view) {}};
}

}  // namespace

TEST_CASE("node: every ask is answered once, while the node stops and after it") {
  const ScratchDirectory directory("node");
  auto node = Node::start(config(directory));
  REQUIRE(node.has_value());
  const auto counter = node->entities<Counter>("counter").ref("x");
  REQUIRE(counter.ask(Counter::Add{1}).get().has_value());
  std::atomic<int> answers{0};
  std::atomic<bool> go_on{true};
  int asked[2] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      while (go_on.load() && asked[t] < 20'000) {
        ++asked[t];
        counter.ask(Counter::Add{1}).then([&](const auto&) { ++answers; });
      }
    });
  node->stop();
  go_on = false;
  for (auto& thread : threads) thread.join();
  CHECK(answers.load() == asked[0] + asked[1]);
  CHECK(node->management_address().starts_with("127.0.0.1:"));
  const auto late = counter.ask(Counter::Add{1}).get();
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().is(Errc::unavailable));
}

TEST_CASE("node: a command that would wait for room at its owner is answered where there is room") {
  const ScratchDirectory directory("node");
  auto node = Node::start(config(directory));
  REQUIRE(node.has_value());
  const auto counter = node->entities<Counter>("counter").ref("x");
  const auto added = counter.ask(Counter::Add{2}, {.when_full = WhenFull::wait}).get();
  REQUIRE(added.has_value());
  CHECK(added->value == 2);
}

TEST_CASE("node: a second life in the same process finds what the first one acknowledged") {
  const ScratchDirectory directory("node");
  for (std::int64_t life = 1; life <= 2; ++life) {
    auto node = Node::start(config(directory));
    REQUIRE(node.has_value());
    const auto reply = node->entities<Counter>("counter")
                           .ref("x")
                           .ask(Counter::Add{5}, {.command_id = std::to_string(life)})
                           .get();
    REQUIRE(reply.has_value());
    CHECK(reply->value == 5 * life);
    CHECK(reply->sequence == Sequence{static_cast<std::uint64_t>(life)});
    node->stop();
  }
}

TEST_CASE("node: an ask on a worker thread that would block is an error, not a deadlock") {
  const ScratchDirectory directory("node");
  auto node = Node::start(config(directory));
  REQUIRE(node.has_value());
  const auto counter = node->entities<Counter>("counter").ref("x");
  std::atomic<bool> refused{false};
  std::atomic<bool> done{false};
  counter.ask(Counter::Add{1}).then([&](const auto&) {
    const auto inner = counter.ask(Counter::Add{1}).get();
    refused = !inner.has_value() && inner.error().is(Errc::wrong_thread);
    done = true;
    done.notify_one();
  });
  done.wait(false);
  CHECK(refused.load());
}
