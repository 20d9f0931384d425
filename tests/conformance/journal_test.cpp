/// One suite, two worlds: every fact holds for the LMDB journal on a real disk and for the
/// simulator's.
#include <doctest/doctest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <queue>

#include "coterie/replication/record.hpp"
#include "coterie/sim/disk.hpp"
#include "coterie/storage/lmdb_journal.hpp"

using namespace coterie;
using namespace coterie::replication;

namespace {

struct JournalWorld {
  virtual ~JournalWorld() = default;
  virtual Journal& journal() = 0;
  virtual void wait() = 0;    ///< until something may be polled
  virtual void reopen() = 0;  ///< a process ends and another one starts

  template <class Event>
  Event next_event() {
    for (int i = 0; i < 1000; ++i) {
      for (auto& event : journal().poll()) events.push(std::move(event));
      while (!events.empty()) {
        auto event = std::move(events.front());
        events.pop();
        if (auto* wanted = std::get_if<Event>(&event)) return std::move(*wanted);
        FAIL("another event came first: " << event.index());
      }
      wait();
    }
    FAIL("the journal did not answer");
    return {};
  }
  std::queue<JournalEvent> events{};
};

struct LmdbWorld final : JournalWorld {
  LmdbWorld() {
    directory =
        std::filesystem::temp_directory_path() / ("coterie-journal-" + std::to_string(getpid()));
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    open();
  }
  ~LmdbWorld() override {
    lmdb.reset();
    std::filesystem::remove_all(directory);
  }
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
  std::filesystem::path directory;
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

AppendRequest make(std::uint16_t shard, std::uint64_t index, std::uint64_t epoch = 1,
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

void each_world(const std::function<void(JournalWorld&)>& check) {
  LmdbWorld lmdb;
  check(lmdb);
  SimWorld simulated;
  check(simulated);
}

}  // namespace

TEST_CASE("journal: an append is acknowledged once it is durable, and survives the process") {
  each_world([](JournalWorld& world) {
    world.journal().append(make(1, 1));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 1});
    world.journal().append(make(1, 2));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 2});
    world.reopen();
    world.journal().recover(5, {ShardId{1}, ShardId{2}});
    CHECK(world.next_event<Recovered>() ==
          Recovered{5, {make(1, 1).record, make(1, 2).record}, {ShardId{1}, ShardId{1}}});
    CHECK(world.next_event<RecoveryFinished>() ==
          RecoveryFinished{5, {{.shard = ShardId{1}}, {.shard = ShardId{2}}}, {}});
    world.journal().append(make(1, 3));
    CHECK(world.next_event<Appended>().batch == 3);
  });
}

TEST_CASE("journal: a gap is refused, everything behind it is silent, and a reset goes on") {
  each_world([](JournalWorld& world) {
    world.journal().append(make(1, 2));
    world.journal().append(make(1, 3));
    const auto failure = world.next_event<AppendFailed>();
    CHECK(failure.index == LogIndex{2});
    CHECK_FALSE(failure.fatal);
    world.journal().reset(ShardId{1});
    world.journal().append(make(1, 1));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 1});
  });
}

TEST_CASE(
    "journal: a barrier promises its epoch, durably; an older epoch is refused from then on") {
  each_world([](JournalWorld& world) {
    auto barrier = make(1, 1, 5);
    barrier.promises = true;
    world.journal().append(barrier);
    CHECK(world.next_event<Appended>().batch == 1);
    world.reopen();
    world.journal().append(make(1, 2, 4));
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
    world.journal().reset(ShardId{1});
    world.journal().append(make(1, 2, 5));
    CHECK(world.next_event<Appended>().batch == 2);
  });
}

TEST_CASE("journal: a recovery hands over every record in order, however many there are") {
  each_world([](JournalWorld& world) {
    constexpr std::uint64_t count = 5000;
    for (std::uint64_t i = 1; i <= count; ++i) world.journal().append(make(1, i));
    while (world.next_event<Appended>().batch < count) continue;
    world.reopen();
    world.journal().recover(9, {ShardId{1}});
    std::uint64_t seen = 0;
    for (bool done = false; !done;) {
      world.wait();
      for (auto& event : world.journal().poll()) {
        done = std::holds_alternative<RecoveryFinished>(event);
        if (const auto* part = std::get_if<Recovered>(&event))
          for (const auto& record : part->records)
            CHECK(read_record(record)->index == LogIndex{++seen});
      }
    }
    CHECK(seen == count);
  });
}

TEST_CASE(
    "journal: a replay follows one entity's records from its newest snapshot on, or all of them") {
  each_world([](JournalWorld& world) {
    world.journal().append(make(1, 1, 1, 0));
    CHECK(world.next_event<Appended>().batch == 1);
    world.journal().append(make(1, 2, 1, 0));
    CHECK(world.next_event<Appended>().batch == 2);
    world.journal().append(make(1, 3, 1, 1));
    CHECK(world.next_event<Appended>().batch == 3);
    world.journal().replay(7, ShardId{1}, LogIndex{3}, false);
    const auto part = world.next_event<Replayed>();
    CHECK(part.token == 7);
    CHECK(part.records == std::vector<Bytes>{make(1, 1, 1, 0).record, make(1, 3, 1, 1).record});
    auto snapshot = make(1, 4, 1, 3);
    replication::RecordView view{.kind = replication::RecordKind::snapshot,
                                 .shard = ShardId{1},
                                 .epoch = Epoch{1},
                                 .index = LogIndex{4},
                                 .previous = LogIndex{3}};
    snapshot.record.clear();
    (void)replication::append_record(snapshot.record, view, 0);
    const auto saved = snapshot.record;
    world.journal().append(std::move(snapshot));
    CHECK(world.next_event<Appended>().batch == 4);
    world.journal().replay(5, ShardId{1}, LogIndex{4}, false);
    CHECK(world.next_event<Replayed>().records == std::vector<Bytes>{saved});
    world.journal().replay(6, ShardId{1}, LogIndex{4}, true);
    CHECK(world.next_event<Replayed>().records.size() == 3);
    world.journal().replay(8, ShardId{1}, LogIndex{}, false);
    CHECK(world.next_event<Replayed>().records.empty());
    world.journal().replay(9, ShardId{1}, LogIndex{99}, false);
    CHECK(world.next_event<Replayed>().error.has_value());
  });
}

TEST_CASE("journal: what is replaced is gone, durably, with what comes instead in its place") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 4; ++i) world.journal().append(make(1, i));
    while (world.next_event<Appended>().batch < 4) continue;
    auto other = make(1, 3, 2);
    other.replaces = other.promises = true;
    other.batch = 5;
    world.journal().append(other);
    CHECK(world.next_event<Appended>().batch == 5);
    for (int life = 0; life < 2; ++life) {
      world.journal().read(7, ShardId{1}, LogIndex{2}, 1 << 20);
      CHECK(world.next_event<LogRead>() == LogRead{7, {make(1, 2).record, other.record}, {}});
      world.journal().recover(8, {ShardId{1}});
      CHECK(world.next_event<Recovered>().records.size() == 3);
      CHECK(world.next_event<RecoveryFinished>().logs.at(0).promised == Epoch{2});
      world.reopen();
    }
    auto more = make(1, 4, 2);
    more.batch = 6;
    world.journal().append(more);
    CHECK(world.next_event<Appended>().batch == 6);
  });
}

TEST_CASE("journal: what is trimmed is gone, durably, and the rest has the indices that it had") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 5; ++i) world.journal().append(make(1, i, 1, i == 5 ? 4 : 0));
    while (world.next_event<Appended>().batch < 5) continue;
    world.journal().append({.shard = ShardId{1}, .index = LogIndex{3}, .trims = true});
    world.journal().append(make(2, 1));
    CHECK(world.next_event<Appended>().shard == ShardId{2});
    for (std::uint64_t life = 0; life < 2; ++life) {
      world.journal().read(7, ShardId{1}, LogIndex{2}, 1 << 20);
      CHECK(world.next_event<LogRead>() == LogRead{7, {}, {}});
      world.journal().read(7, ShardId{1}, LogIndex{3}, 1 << 20);
      CHECK(world.next_event<LogRead>().records.size() == 3 + life);
      world.journal().replay(8, ShardId{1}, LogIndex{5}, false);
      CHECK(world.next_event<Replayed>().records ==
            std::vector<Bytes>{make(1, 4).record, make(1, 5, 1, 4).record});
      world.journal().replay(8, ShardId{1}, LogIndex{2}, false);
      CHECK(world.next_event<Replayed>().error.has_value());
      world.journal().recover(9, {ShardId{1}});
      CHECK(read_record(world.next_event<Recovered>().records.at(0))->index == LogIndex{3});
      CHECK(world.next_event<RecoveryFinished>().logs.at(0) ==
            RecoveredLog{.shard = ShardId{1}, .first = LogIndex{3}});
      world.journal().append(make(1, 6 + life));
      CHECK(world.next_event<Appended>().batch == 6 + life);
      if (life == 0) world.reopen();
    }
    auto below = make(1, 2);
    below.replaces = true;
    world.journal().append(below);
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
  });
}

TEST_CASE("journal: a trim that names no record of the log is none") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 2; ++i) world.journal().append(make(1, i));
    for (const std::uint64_t index : {0, 1, 3, 9})
      world.journal().append({.shard = ShardId{1}, .index = LogIndex{index}, .trims = true});
    world.journal().append(make(1, 3));
    while (world.next_event<Appended>().batch < 3) continue;
    world.journal().read(7, ShardId{1}, LogIndex{1}, 1 << 20);
    CHECK(world.next_event<LogRead>().records.size() == 3);
  });
}

TEST_CASE("journal: a log may begin anew at any index, and nothing of the old one comes back") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 3; ++i) world.journal().append(make(1, i));
    while (world.next_event<Appended>().batch < 3) continue;
    std::uint64_t batch = 3;
    for (const std::uint64_t first : {10, 2, 1}) {
      for (auto index : {first, first + 1}) {
        auto request = make(1, index, 2);
        request.replaces = request.begins = index == first;
        request.batch = ++batch;
        world.journal().append(request);
      }
      while (world.next_event<Appended>().batch < batch) continue;
      world.reopen();
      world.journal().recover(8, {ShardId{1}});
      CHECK(world.next_event<Recovered>().records ==
            std::vector<Bytes>{make(1, first, 2).record, make(1, first + 1, 2).record});
      CHECK(world.next_event<RecoveryFinished>().logs.at(0).first == LogIndex{first});
    }
  });
}

TEST_CASE("journal: what was just trimmed does not come back when the log begins anew before it") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 5; ++i) world.journal().append(make(1, i));
    while (world.next_event<Appended>().batch < 5) continue;
    world.journal().append({.shard = ShardId{1}, .index = LogIndex{4}, .trims = true});
    auto anew = make(1, 2, 2);
    anew.replaces = anew.begins = true;
    anew.batch = 6;
    world.journal().append(anew);
    CHECK(world.next_event<Appended>().batch == 6);
    world.reopen();
    world.journal().recover(8, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records == std::vector<Bytes>{anew.record});
    CHECK(world.next_event<RecoveryFinished>().logs.at(0) ==
          RecoveredLog{.shard = ShardId{1}, .first = LogIndex{2}});
  });
}

TEST_CASE("journal: a record and its replacement may share a group") {
  each_world([](JournalWorld& world) {
    world.journal().append(make(1, 1));
    CHECK(world.next_event<Appended>().batch == 1);
    world.journal().append(make(1, 2));
    world.journal().append(make(1, 3));
    auto other = make(1, 2, 2);
    other.replaces = true;
    other.batch = 4;
    world.journal().append(other);
    while (world.next_event<Appended>().batch < 4) continue;
    world.reopen();
    world.journal().read(7, ShardId{1}, LogIndex{1}, 1 << 20);
    CHECK(world.next_event<LogRead>().records ==
          std::vector<Bytes>{make(1, 1).record, other.record});
  });
}

TEST_CASE("journal: a promise alone is durable and writes no record") {
  each_world([](JournalWorld& world) {
    world.journal().append(make(1, 1));
    CHECK(world.next_event<Appended>().batch == 1);
    world.journal().append({.shard = ShardId{1},
                            .epoch = Epoch{9},
                            .index = LogIndex{2},
                            .promises = true,
                            .batch = 2});
    CHECK(world.next_event<Appended>().batch == 2);
    world.reopen();
    world.journal().recover(5, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records.size() == 1);
    CHECK(world.next_event<RecoveryFinished>().logs.at(0).promised == Epoch{9});
    world.journal().append(make(1, 2, 8));
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
  });
}

TEST_CASE("journal: a part of the log holds at least one record and no more than fit") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 3; ++i) world.journal().append(make(1, i));
    while (world.next_event<Appended>().batch < 3) continue;
    const auto size = make(1, 1).record.size();
    for (const auto& [bytes, count] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {2 * size, 2}, {2 * size - 1, 1}}) {
      world.journal().read(7, ShardId{1}, LogIndex{1}, bytes);
      CHECK(world.next_event<LogRead>().records.size() == count);
    }
    world.journal().read(7, ShardId{1}, LogIndex{4}, 1 << 20);
    CHECK(world.next_event<LogRead>() == LogRead{7, {}, {}});
  });
}

TEST_CASE("journal: a renewal goes with its cut, below the promise too, and is kept") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 3; ++i) {
      auto request = make(1, i, 7);
      request.promises = true;
      world.journal().append(std::move(request));
      CHECK(world.next_event<Appended>().batch == i);
    }
    world.journal().append({.shard = ShardId{1},
                            .epoch = Epoch{2},
                            .index = LogIndex{3},
                            .replaces = true,
                            .batch = 4,
                            .record = {},
                            .renewal = 1});
    CHECK(world.next_event<Appended>().batch == 4);
    world.reopen();
    world.journal().recover(5, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records.size() == 2);
    const auto log = world.next_event<RecoveryFinished>().logs.at(0);
    CHECK(log.promised == Epoch{7});
    CHECK(log.renewals == 1);
    auto request = make(1, 3, 8);
    request.promises = true;
    world.journal().append(std::move(request));
    CHECK(world.next_event<Appended>().batch == 3);
    world.reopen();
    world.journal().recover(6, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records.size() == 3);
    CHECK(world.next_event<RecoveryFinished>().logs.at(0).renewals == 1);
  });
}
