/// Five times as many commands as their owner can do: what it does in time then, beside its peak;
/// how soon the rest are told `busy`; what it costs in memory.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>

#include "coterie/msgpack.hpp"
#include "nodes.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;

namespace {

using Clock = std::chrono::steady_clock;

/// Each command keeps its owner's core busy for a while; nothing is recorded.
struct Worker {
  struct Work {
    MSGPACK_DEFINE()
  };
  struct Never {
    MSGPACK_DEFINE()
  };
  using Commands = List<Work>;
  using Events = List<Never>;
  Decision<Worker, std::int64_t> decide(const Work&) const {
    const auto until = Clock::now() + std::chrono::microseconds(50);
    while (Clock::now() < until) continue;
    return reply(std::int64_t{1});
  }
  void evolve(const Never&) {}
};

constexpr std::size_t workers = 1000;
constexpr std::size_t window = 1000;
constexpr auto deadline = 1s;
constexpr auto span = 4s;
constexpr auto pulse = std::chrono::milliseconds(2);
constexpr double times_capacity = 5;

/// What became of the commands of one run; filled by worker threads.
struct Outcomes {
  std::mutex mutex;
  std::size_t good = 0, busy = 0, late = 0;
  std::vector<double> busy_us;
  void note(const Result<Reply<std::int64_t>>& r, Clock::time_point asked) {
    const auto us = std::chrono::duration<double, std::micro>(Clock::now() - asked).count();
    const std::lock_guard lock(mutex);
    if (r) ++good;
    else if (r.error().is(Errc::busy)) ++busy, busy_us.push_back(us);
    else ++late;
  }
};

std::string worker_id(std::size_t i) { return "worker-" + std::to_string(i % workers); }

/// A window of commands under way, as long as they fit: the peak.
double peak_per_second(const Entities<Worker>& all) {
  std::atomic<bool> over{false};
  std::atomic<std::size_t> good{0}, open{0};
  std::atomic<std::size_t> sent{0};
  std::function<void()> next = [&] {
    if (over) return void(--open);
    all.ref(worker_id(sent++)).ask(Worker::Work{}, {.deadline = 10s}).then([&](const auto& r) {
      if (r) ++good;
      next();
    });
  };
  for (; open < window; ++open) next();
  const auto before = good.load();
  std::this_thread::sleep_for(span);
  const auto done = good.load() - before;
  over = true;
  wait_for("all are answered", [&] { return open == 0; });
  return static_cast<double>(done) / std::chrono::duration<double>(span).count();
}

/// So many a second, answered or not.
void offer(const Entities<Worker>& all, double per_second, const std::shared_ptr<Outcomes>& out) {
  const auto began = Clock::now();
  std::size_t sent = 0;
  for (auto now = began; now - began < span; now = Clock::now()) {
    const auto due = per_second * std::chrono::duration<double>(now - began).count();
    for (; static_cast<double>(sent) < due; ++sent)
      all.ref(worker_id(sent))
          .ask(Worker::Work{}, {.deadline = deadline})
          .then([out, asked = Clock::now()](const auto& r) { out->note(r, asked); });
    std::this_thread::sleep_for(pulse);
  }
}

double mib_of(int process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      double kib = 0;
      status >> kib;
      return kib / 1024;
    }
  return 0;
}

double part_of(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

}  // namespace

int run_worker(int, char** argv) {
  auto c = node_config("owner", argv[2], 2);
  c.join = {argv[3]};
  c.replicas = c.min_in_sync = 1;
  auto node = Node::start(std::move(c)).value();
  (void)node.entities<Worker>("worker");
  return node.run_until_signal();
}

void overload_rows(Rows& rows, int rounds, const std::string& directory) {
  auto config = node_config("sender", directory, 2);
  config.replicas = config.min_in_sync = 1;
  config.weight = 0;  // all shards are the other one's
  auto node = Node::start(std::move(config)).value();
  const auto all = node.entities<Worker>("worker");
  node.join();
  const int owner = spawn({"--worker", directory, node.gossip_address()});
  wait_ready(node.management_address());
  (void)peak_per_second(all);
  for (int round = 0; round < rounds; ++round) {
    const auto peak = peak_per_second(all);
    add(rows, "overload_peak", "commands/s of 50 us, window 1000", peak);
    const auto before = mib_of(owner), before_here = mib_of(getpid());
    const auto out = std::make_shared<Outcomes>();
    offer(all, times_capacity * peak, out);
    const auto grown = mib_of(owner) - before, grown_here = mib_of(getpid()) - before_here;
    std::this_thread::sleep_for(2 * deadline);
    const std::lock_guard lock(out->mutex);
    const auto seconds = std::chrono::duration<double>(span).count();
    add(rows, "overload_5x_goodput", "commands/s answered within 1 s",
        static_cast<double>(out->good) / seconds);
    add(rows, "overload_5x_goodput_of_peak", "ratio",
        static_cast<double>(out->good) / seconds / peak);
    add(rows, "overload_5x_busy", "commands/s", static_cast<double>(out->busy) / seconds);
    add(rows, "overload_5x_late", "commands/s", static_cast<double>(out->late) / seconds);
    add(rows, "overload_5x_busy_p50", "us", part_of(out->busy_us, 0.5));
    add(rows, "overload_5x_busy_p99", "us", part_of(out->busy_us, 0.99));
    add(rows, "overload_5x_owner_grows", "MiB", grown);
    add(rows, "overload_5x_sender_grows", "MiB", grown_here);
  }
  kill(owner, SIGTERM);
  waitpid(owner, nullptr, 0);
}

}  // namespace bench
