/// One suite, two worlds: every fact holds for a loop's timer and mailbox and for the simulator's.
#include <doctest/doctest.h>

#include <functional>
#include <thread>

#include "coterie/sim/mailbox.hpp"
#include "coterie/sim/timer.hpp"
#include "coterie/transport/mailbox.hpp"

using namespace coterie;

namespace {

/// A loop that this thread runs, a tick at a time.
struct RealWorld {
  using Timer = transport::Timer;
  RealWorld() : wake(loop) {}
  [[nodiscard]] Instant now() const { return transport::EventLoop::now(); }
  bool until(const std::function<bool()>& done, Duration limit) {
    const auto end = now() + limit;
    while (!done()) {
      if (now() > end) return false;
      wake.set(now() + 1ms, [this] { loop.stop(); });
      loop.run();
      loop.restart();
    }
    return true;
  }
  std::unique_ptr<Timer> timer() { return std::make_unique<Timer>(loop); }
  template <class T, class Handler>
  transport::Mailbox<T> mailbox(std::size_t bound, Handler handler) {
    return {loop, bound, std::move(handler)};
  }
  transport::EventLoop loop;
  transport::Timer wake;
};

struct SimTimers {
  using Timer = sim::Timer;
  [[nodiscard]] Instant now() const { return world.now(); }
  bool until(const std::function<bool()>& done, Duration limit) {
    return world.run_until(done, limit);
  }
  std::unique_ptr<Timer> timer() { return std::make_unique<Timer>(world); }
  template <class T, class Handler>
  sim::Mailbox<T> mailbox(std::size_t bound, Handler handler) {
    return {world, bound, 1ms, Random(1), std::move(handler)};
  }
  sim::World world{{.seed = 1, .nodes = 0}};
};

}  // namespace

TEST_CASE_TEMPLATE("timer: it fires once, and never before its instant", World, RealWorld,
                   SimTimers) {
  World world;
  auto timer = world.timer();
  int fired = 0;
  const auto at = world.now() + 5ms;
  timer->set(at, [&] {
    ++fired;
    CHECK(world.now() >= at);
  });
  CHECK(fired == 0);
  REQUIRE(world.until([&] { return fired > 0; }, 5s));
  CHECK_FALSE(world.until([&] { return fired > 1; }, 20ms));
}

TEST_CASE_TEMPLATE("timer: an instant that has passed fires soon, but not inside set()", World,
                   RealWorld, SimTimers) {
  World world;
  auto timer = world.timer();
  int fired = 0;
  timer->set(world.now() - 1s, [&] { ++fired; });
  CHECK(fired == 0);
  CHECK(world.until([&] { return fired == 1; }, 5s));
}

TEST_CASE_TEMPLATE("timer: setting it again replaces what was set, even what is already due", World,
                   RealWorld, SimTimers) {
  World world;
  auto timer = world.timer();
  int first = 0;
  int second = 0;
  timer->set(world.now(), [&] { ++first; });
  timer->set(world.now(), [&] { ++second; });
  REQUIRE(world.until([&] { return second == 1; }, 5s));
  CHECK(first == 0);
}

TEST_CASE_TEMPLATE("timer: never cancels, and so does the timer's end", World, RealWorld,
                   SimTimers) {
  World world;
  auto timer = world.timer();
  int fired = 0;
  timer->set(world.now() + 1ms, [&] { ++fired; });
  timer->set(never, {});
  CHECK_FALSE(world.until([&] { return fired > 0; }, 20ms));
  timer->set(world.now() + 1ms, [&] { ++fired; });
  timer.reset();
  CHECK_FALSE(world.until([&] { return fired > 0; }, 20ms));
}

TEST_CASE_TEMPLATE("timer: one timer that is due replaces another that is due as well", World,
                   RealWorld, SimTimers) {
  World world;
  auto killer = world.timer();
  auto victim = world.timer();
  int fired = 0;
  const auto at = world.now();  // both are due when the loop looks
  killer->set(at, [&] { victim->set(never, {}); });
  victim->set(at, [&] { ++fired; });
  CHECK_FALSE(world.until([&] { return fired > 0; }, 20ms));
}

TEST_CASE_TEMPLATE("timer: it may be set again from inside its own call", World, RealWorld,
                   SimTimers) {
  World world;
  auto timer = world.timer();
  int fired = 0;
  std::function<void()> again = [&] {
    if (++fired < 3) timer->set(world.now() + 1ms, again);
  };
  timer->set(world.now(), again);
  CHECK(world.until([&] { return fired == 3; }, 5s));
}

TEST_CASE_TEMPLATE("mailbox: items come in order, never inside put()", World, RealWorld,
                   SimTimers) {
  World world;
  std::vector<int> got;
  auto mailbox = world.template mailbox<int>(
      100, [&](std::vector<int>& batch) { got.insert(got.end(), batch.begin(), batch.end()); });
  for (int i = 0; i < 10; ++i) CHECK(mailbox.put(int{i}));
  CHECK(got.empty());
  REQUIRE(world.until([&] { return got.size() == 10; }, 5s));
  for (int i = 0; i < 10; ++i) CHECK(got[static_cast<std::size_t>(i)] == i);
}

TEST_CASE_TEMPLATE(
    "mailbox: one item more than its bound is refused, and it takes more once emptied", World,
    RealWorld, SimTimers) {
  World world;
  std::size_t got = 0;
  auto mailbox =
      world.template mailbox<int>(3, [&](std::vector<int>& batch) { got += batch.size(); });
  for (int i = 0; i < 3; ++i) CHECK(mailbox.put(int{i}));
  CHECK_FALSE(mailbox.put(3));
  REQUIRE(world.until([&] { return got == 3; }, 5s));
  CHECK(mailbox.put(4));
  CHECK(world.until([&] { return got == 4; }, 5s));
}

TEST_CASE_TEMPLATE("mailbox: what its handler puts comes in a later batch", World, RealWorld,
                   SimTimers) {
  World world;
  std::vector<std::vector<int>> batches;
  std::function<bool(int)> put;
  auto mailbox = world.template mailbox<int>(10, [&](std::vector<int>& batch) {
    batches.push_back(batch);
    if (batches.size() == 1) CHECK(put(2));
  });
  put = [&](int item) { return mailbox.put(int{item}); };
  CHECK(mailbox.put(1));
  REQUIRE(world.until([&] { return batches.size() == 2; }, 5s));
  CHECK(batches == std::vector<std::vector<int>>{{1}, {2}});
}

TEST_CASE("mailbox: nothing that several threads put is lost, and each thread's order is kept") {
  RealWorld world;
  constexpr int each = 20'000;
  std::vector<std::pair<int, int>> got;
  auto mailbox = world.mailbox<std::pair<int, int>>(
      1'000, [&](auto& batch) { got.insert(got.end(), batch.begin(), batch.end()); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < each;)
        if (mailbox.put({t, i})) ++i;
        else std::this_thread::yield();
    });
  CHECK(world.until([&] { return got.size() == 2 * each; }, 30s));
  for (auto& thread : threads) thread.join();
  int next[2] = {};
  for (const auto& [thread, item] : got) CHECK(item == next[thread]++);
}
