/// Entities that record events: acknowledged commits with one copy and with three (three processes
/// on this host and its one disk), beside the raw log; how fast a log is read at start; what an
/// idle entity costs.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "coterie/msgpack.hpp"
#include "nodes.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;

namespace {

/// Every command is one event of about 256 B in the log.
struct Recorder {
  std::int64_t count = 0;
  struct Record {
    std::string text;
    MSGPACK_DEFINE(text)
  };
  struct Look {
    MSGPACK_DEFINE()
  };
  using Commands = List<Record, Look>;
  using Events = List<Record>;
  static constexpr std::uint32_t snapshot_every = 0;
  Decision<Recorder, std::int64_t> decide(const Record& command) const {
    return persist(command).reply(&Recorder::count);
  }
  Decision<Recorder, std::int64_t> decide(const Look&) const { return reply(&Recorder::count); }
  void evolve(const Record&) { ++count; }
};

constexpr std::size_t payload = 120;  // with header, id and reply: 256 B a record
constexpr std::size_t entities = 1000;
constexpr std::size_t window = 1000;
constexpr std::size_t commits = 100'000;
constexpr std::size_t reads = 4000, read_entities = 10;
constexpr std::size_t idle_entities = 1'000'000;

/// `count` commands to entities that `id` names, `window` of them under way.
double commits_per_second(const Entities<Recorder>& all, std::size_t count,
                          const std::function<std::string(std::size_t)>& id) {
  const Recorder::Record record{std::string(payload, 'x')};
  std::atomic<std::size_t> sent{0}, answered{0}, failed{0};
  std::mutex mutex;
  std::condition_variable done;
  std::function<void()> next = [&] {
    const auto i = sent.fetch_add(1);
    if (i >= count) return;
    all.ref(id(i))
        .ask(record, {.deadline = 30s, .when_full = WhenFull::wait})
        .then([&](const Result<Reply<std::int64_t>>& r) {
          if (!r) ++failed;
          next();
          if (answered.fetch_add(1) + 1 < count) return;
          const std::lock_guard lock(mutex);
          done.notify_one();
        });
  };
  const auto took = seconds_of([&] {
    for (std::size_t i = 0; i < window; ++i) next();
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return answered == count; });
  });
  if (failed > 0) throw std::runtime_error(std::to_string(failed.load()) + " commits failed");
  return static_cast<double>(count) / took;
}

/// One after the other, so that none shares a round with another.
double read_micros(const Entities<Recorder>& all) {
  const auto took = seconds_of([&] {
    for (std::size_t i = 0; i < reads; ++i)
      if (!all.ref("read-" + std::to_string(i % read_entities)).ask(Recorder::Look{}).get())
        throw std::runtime_error("a read failed");
  });
  return took * 1e6 / static_cast<double>(reads);
}

std::string one_of_a_thousand(std::size_t i) { return "account-" + std::to_string(i % entities); }
std::string its_own(std::size_t i) { return "account-" + std::to_string(i); }

double gauge(const std::string& management, const std::string& name) {
  const auto text = asked(management, "/metrics");
  const auto at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

/// Without the pages of the journal's file, which the kernel drops when it needs the memory.
std::size_t own_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      std::size_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
  throw std::runtime_error("the kernel does not tell RssAnon");
}

/// Three processes on this host.
void replicated_rows(Rows& rows, const std::string& directory, Duration lease) {
  std::filesystem::create_directories(directory);
  auto config = node_config("r0", directory, 3);
  config.read_lease = lease;
  auto node = Node::start(std::move(config)).value();
  const auto recorder = node.entities<Recorder>("recorder");
  node.join();
  std::vector<int> peers;
  for (const char* name : {"r1", "r2"})
    peers.push_back(
        spawn({"--recorder", directory, node.gossip_address(), name, std::to_string(lease / 1ms)}));
  wait_ready(node.management_address());
  wait_for("three voters",
           [&] { return gauge(node.management_address(), "coterie_registers_voters") == 3; });
  if (lease == Duration{})
    add(rows, "commits_three_copies", "commits/s, 256 B, 1000 in flight",
        commits_per_second(recorder, commits, one_of_a_thousand));
  add(rows, lease == Duration{} ? "read_by_round" : "read_by_lease",
      "us, three copies, one at a time", read_micros(recorder));
  node.stop();
  for (const auto peer : peers) kill(peer, SIGKILL), waitpid(peer, nullptr, 0);
  std::filesystem::remove_all(directory);
}

double local_commits(const std::string& directory) {
  auto node = Node::start(node_config("one", directory, 1)).value();
  const auto recorder = node.entities<Recorder>("recorder");
  node.join();
  wait_ready(node.management_address());
  const auto rate = commits_per_second(recorder, commits, one_of_a_thousand);
  node.stop();
  std::filesystem::remove_all(directory + "/one");
  return rate;
}

/// From the first call to `ready`.
double start_seconds(const std::string& name, const std::string& directory) {
  return seconds_of([&] {
    auto node = Node::start(node_config(name, directory, 1)).value();
    (void)node.entities<Recorder>("recorder");
    node.join();
    wait_ready(node.management_address());
  });
}

/// A million entities that gave their state back; then how long their log takes at a start, beside
/// the start of a node that has none.
void idle_rows(Rows& rows, int rounds, const std::string& directory) {
  {
    auto c = node_config("idle", directory, 1);
    c.passivate_after = 100ms;
    auto node = Node::start(std::move(c)).value();
    const auto recorder = node.entities<Recorder>("recorder");
    node.join();
    wait_ready(node.management_address());
    (void)commits_per_second(recorder, entities, one_of_a_thousand);
    const auto before = own_bytes();
    (void)commits_per_second(recorder, idle_entities, its_own);
    wait_for("all idle",
             [&] { return gauge(node.management_address(), "coterie_entities_active") == 0; });
    add(rows, "idle_entity", "B, 1 M entities of one event",
        static_cast<double>(own_bytes() - before) / static_cast<double>(idle_entities));
  }
  (void)start_seconds("empty", directory);
  for (int round = 0; round < rounds; ++round) {
    const auto empty = start_seconds("empty", directory);
    const auto full = start_seconds("idle", directory);
    add(rows, "start_without_events", "s to ready", empty);
    add(rows, "start_with_1M_events", "s to ready", full);
    add(rows, "recovery", "events/s, 1 M entities",
        static_cast<double>(idle_entities) / (full - empty));
  }
}

}  // namespace

int run_recorder(int, char** argv) {
  auto c = node_config(argv[4], argv[2], 3);
  c.join = {argv[3]};
  c.read_lease = std::chrono::milliseconds(std::stoi(argv[5]));
  auto node = Node::start(std::move(c)).value();
  (void)node.entities<Recorder>("recorder");
  return node.run_until_signal();
}

void commit_rows(Rows& rows, int rounds, const std::string& directory) {
  for (int round = 0; round < rounds; ++round) {
    add(rows, "raw_fdatasync_b1000", "events/s, 256 B", raw_commits(directory + "/raw", window));
    add(rows, "commits_one_copy", "commits/s, 256 B, 1000 in flight", local_commits(directory));
    const auto three = directory + "/three-" + std::to_string(round);
    replicated_rows(rows, three, {});
    replicated_rows(rows, three, 100ms);
  }
  idle_rows(rows, rounds, directory);
}

}  // namespace bench
