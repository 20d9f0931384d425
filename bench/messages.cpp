#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "coterie/msgpack.hpp"
#include "coterie/sharding/entity_hash.hpp"
#include "nodes.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;

namespace {

/// Counts what it is told and records nothing: messages alone are measured, not the disk.
struct Echo {
  struct Say {
    std::string text;
    MSGPACK_DEFINE(text)
  };
  struct Never {
    MSGPACK_DEFINE()
  };
  using Commands = List<Say>;
  using Events = List<Never>;
  Decision<Echo, std::int64_t> decide(const Say& say) const {
    return reply(static_cast<std::int64_t>(say.text.size()));
  }
  void evolve(const Never&) {}
};

constexpr std::size_t entities = 1000;
constexpr std::size_t window = 1000;

/// Entities whose shards `owner` leads.
std::vector<EntityRef<Echo>> refs_on(const std::string& management, const std::string& owner,
                                     const Entities<Echo>& all) {
  const auto body = asked(management, "/shards");
  std::vector<bool> owned(sharding::shard_count);
  for (const auto& s : nlohmann::json::parse(body))
    owned[s["shard"].get<std::size_t>()] =
        s["primary"].is_string() && s["primary"].get<std::string>() == owner;
  std::vector<EntityRef<Echo>> refs;
  for (std::size_t i = 0; refs.size() < entities; ++i) {
    const auto id =
        "account-" + std::string(14 - std::to_string(i).size(), '0') + std::to_string(i);
    if (owned[sharding::shard_of(sharding::entity_hash(id)).value]) refs.push_back(all.ref(id));
  }
  return refs;
}

/// Keeps `window` asks in flight until `count` are answered.
double asks_per_second(const std::vector<EntityRef<Echo>>& refs, std::size_t payload,
                       std::size_t count) {
  const Echo::Say say{std::string(payload - 3, 'x')};
  struct State {
    std::atomic<std::size_t> sent{0};
    std::atomic<std::size_t> failed{0};
    std::size_t answered = 0;  // by one worker thread
    std::mutex mutex;
    std::condition_variable done;
    bool finished = false;
  } state;
  std::function<void()> next = [&] {
    const auto i = state.sent.fetch_add(1);
    if (i >= count) return;
    refs[i % refs.size()]
        .ask(say, {.deadline = 30s})
        .then([&](const Result<Reply<std::int64_t>>& r) {
          if (!r) ++state.failed;
          next();
          if (++state.answered < count) return;
          const std::lock_guard lock(state.mutex);
          state.finished = true;
          state.done.notify_one();
        });
  };
  const auto took = seconds_of([&] {
    for (std::size_t i = 0; i < window; ++i) next();
    std::unique_lock lock(state.mutex);
    state.done.wait(lock, [&] { return state.finished; });
  });
  if (state.failed > 0)
    throw std::runtime_error(std::to_string(state.failed.load()) + " asks failed");
  return static_cast<double>(count) / took;
}

/// Tells in batches; an ask behind each batch, on the same lane, proves that all of it was handled.
double tells_per_second(const std::vector<EntityRef<Echo>>& refs, std::size_t payload,
                        std::size_t count) {
  constexpr std::size_t batch = 10'000;  // below every queue bound, so that none is refused
  const Echo::Say say{std::string(payload - 3, 'x')};
  return static_cast<double>(count) / seconds_of([&] {
           for (std::size_t sent = 0; sent < count; sent += batch) {
             for (std::size_t i = 0; i < batch; ++i) refs[i % refs.size()].tell(say);
             if (!refs[0].ask(say).get()) throw std::runtime_error("the ask behind a batch failed");
           }
         });
}

double median_round_trip_us(const std::vector<EntityRef<Echo>>& refs, std::size_t payload,
                            std::size_t count) {
  const Echo::Say say{std::string(payload - 3, 'x')};
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i)
    times.push_back(1e6 * seconds_of([&] {
                      if (!refs[i % refs.size()].ask(say).get())
                        throw std::runtime_error("an ask failed");
                    }));
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int run_peer(int, char** argv) {
  auto c = node_config("b", argv[2], 2);
  c.join = {argv[3]};
  auto node = Node::start(std::move(c)).value();
  (void)node.entities<Echo>("echo");
  return node.run_until_signal();
}

void message_rows(Rows& rows, int rounds, const std::string& directory) {
  RawPair raw;
  auto node = Node::start(node_config("a", directory, 2)).value();
  const auto echo = node.entities<Echo>("echo");
  node.join();
  const int peer = spawn({"--peer", directory, node.gossip_address()});
  wait_ready(node.management_address());
  const auto local = refs_on(node.management_address(), "a", echo);
  const auto remote = refs_on(node.management_address(), "b", echo);
  const Echo::Say hello{"hello"};
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (!remote[0].ask(hello).get() &&
         std::chrono::steady_clock::now() < until)  // until the lane is up
    std::this_thread::sleep_for(10ms);
  (void)asks_per_second(remote, 64, 10'000);  // entities active
  (void)asks_per_second(local, 64, 10'000);
  for (int round = 0; round < rounds; ++round) {
    add(rows, "coterie_local_64B_oneway", "msg/s, 1000 entities",
        tells_per_second(local, 64, 500'000));
    add(rows, "coterie_local_64B_window1000", "asks/s, 1000 entities",
        asks_per_second(local, 64, 500'000));
    for (const auto size : sizes) {
      const auto tag = std::to_string(size) + "B_";
      add(rows, "coterie_" + tag + "rtt_p50", "us", median_round_trip_us(remote, size, 3000));
      add(rows, "asio_" + tag + "rtt_p50", "us", median(raw.round_trips_us(size, 3000)));
      add(rows, "coterie_" + tag + "window1000", "asks/s, 1000 entities",
          asks_per_second(remote, size, 300'000));
      add(rows, "asio_" + tag + "window1000", "frames/s both ways",
          raw.window_per_second(size, 300'000, window));
      add(rows, "coterie_" + tag + "oneway", "msg/s, 1000 entities",
          tells_per_second(remote, size, 300'000));
      add(rows, "asio_" + tag + "oneway", "frames/s", raw.oneway_per_second(size, 1'000'000));
    }
  }
  kill(peer, SIGTERM);
  waitpid(peer, nullptr, 0);
}

}  // namespace bench
