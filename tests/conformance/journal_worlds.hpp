/// The two worlds of the journal's suite: LMDB on a real disk, and the simulator.
#pragma once

#include <doctest/doctest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>

#include "coterie/replication/record.hpp"
#include "coterie/sim/disk.hpp"
#include "coterie/storage/lmdb_journal.hpp"
#include "support/scratch_directory.hpp"

namespace coterie::replication {

struct JournalWorld {
  virtual ~JournalWorld() = default;
  virtual Journal& journal() = 0;
  virtual void wait() = 0;    ///< until something may be polled
  virtual void reopen() = 0;  ///< a process ends and another one starts

  void append(AppendRequest request) {
    std::vector<AppendRequest> one;
    one.push_back(std::move(request));
    journal().append(std::move(one));
  }
  JournalEvent any_event() {
    for (int i = 0; i < 1000; ++i) {
      for (auto& event : journal().poll()) events.push(std::move(event));
      if (!events.empty()) {
        auto event = std::move(events.front());
        events.pop();
        return event;
      }
      wait();
    }
    FAIL("the journal did not answer");
    return {};
  }
  template <class Event>
  Event next_event() {
    auto event = any_event();
    if (auto* wanted = std::get_if<Event>(&event)) return std::move(*wanted);
    FAIL("another event came first: " << event.index());
    return {};
  }
  std::queue<JournalEvent> events{};
};

struct LmdbWorld : JournalWorld {
  LmdbWorld() { open(); }
  ~LmdbWorld() override { lmdb.reset(); }
  void open() {
    auto stripe =
        storage::LmdbStripe::open({.file = directory / "journal.mdb", .map_bytes = 1 << 26});
    REQUIRE(stripe.has_value());
    lmdb = std::make_unique<storage::LmdbJournal>(*stripe, [this] {
      const std::lock_guard lock(mutex);
      woken = true;
      ready.notify_one();
    });
  }
  Journal& journal() override { return *lmdb; }
  void wait() override {
    std::unique_lock lock(mutex);
    ready.wait_for(lock, std::chrono::seconds(1), [&] { return woken; });
    woken = false;
  }
  void reopen() override {
    lmdb.reset();
    open();
  }
  testing::ScratchDirectory scratch{"journal"};
  const std::filesystem::path& directory = scratch.path;
  std::mutex mutex;
  std::condition_variable ready;
  bool woken = false;
  std::unique_ptr<storage::LmdbJournal> lmdb;
};

struct SimWorld final : JournalWorld {
  SimWorld() { reopen(); }
  Journal& journal() override { return *sim; }
  void wait() override {
    if (tasks.empty()) return;
    auto task = std::move(tasks.front());
    tasks.pop();
    task();
  }
  void reopen() override {
    if (sim) disk.crash(true);
    tasks = {};
    sim = std::make_unique<sim::SimJournal>(
        disk, [this](Duration, std::function<void()> task) { tasks.push(std::move(task)); }, [] {});
  }
  sim::Disk disk{{}, Random(1)};
  std::queue<std::function<void()>> tasks;
  std::unique_ptr<sim::SimJournal> sim;
};

inline AppendRequest make(std::uint16_t shard, std::uint64_t index, std::uint64_t epoch = 1,
                          std::uint64_t previous = 0) {
  AppendRequest request{.shard = ShardId{shard},
                        .epoch = Epoch{epoch},
                        .index = LogIndex{index},
                        .batch = index,
                        .record = {}};
  append_record(request.record,
                {.shard = ShardId{shard},
                 .epoch = Epoch{epoch},
                 .index = LogIndex{index},
                 .previous = LogIndex{previous},
                 .entity = view("e")},
                0);
  return request;
}

inline void each_world(const std::function<void(JournalWorld&)>& check) {
  LmdbWorld lmdb;
  check(lmdb);
  SimWorld simulated;
  check(simulated);
}

}  // namespace coterie::replication
