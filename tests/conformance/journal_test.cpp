/// One suite, two worlds: every fact holds for the LMDB journal on a real disk and for the
/// simulator's.
#include "journal_worlds.hpp"

using namespace coterie;
using namespace coterie::replication;

TEST_CASE(
    "journal: what is appended at once is kept in its order, between what came before and after") {
  each_world([](JournalWorld& world) {
    world.append(make(1, 1));
    std::vector<AppendRequest> group;
    for (std::uint64_t i = 2; i <= 40; ++i) {
      group.push_back(make(1, i));
      group.push_back(make(2, i - 1));
    }
    world.journal().append(std::move(group));
    world.append(make(1, 41));
    for (std::uint64_t durable = 0, other = 0; durable < 41 || other < 39;) {
      const auto done = world.next_event<Appended>();
      (done.shard == ShardId{1} ? durable : other) = done.batch;
    }
    world.reopen();
    world.journal().read(7, ShardId{1}, LogIndex{1}, 1 << 20);
    const auto part = world.next_event<LogRead>();
    REQUIRE(part.records.size() == 41);
    for (std::uint64_t i = 1; i <= 41; ++i)
      CHECK(index_of_record(part.records[i - 1]) == LogIndex{i});
  });
}

TEST_CASE("journal: an append is acknowledged once it is durable, and survives the process") {
  each_world([](JournalWorld& world) {
    world.append(make(1, 1));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 1});
    world.append(make(1, 2));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 2});
    world.reopen();
    world.journal().recover(5, {ShardId{1}, ShardId{2}});
    CHECK(world.next_event<Recovered>() ==
          Recovered{5, {make(1, 1).record, make(1, 2).record}, {ShardId{1}, ShardId{1}}});
    CHECK(world.next_event<RecoveryFinished>() ==
          RecoveryFinished{5, {{.shard = ShardId{1}}, {.shard = ShardId{2}}}, {}});
    world.append(make(1, 3));
    CHECK(world.next_event<Appended>().batch == 3);
  });
}

TEST_CASE("journal: a gap is refused, everything behind it is silent, and a reset goes on") {
  each_world([](JournalWorld& world) {
    world.append(make(1, 2));
    world.append(make(1, 3));
    const auto failure = world.next_event<AppendFailed>();
    CHECK(failure.index == LogIndex{2});
    CHECK_FALSE(failure.fatal);
    world.journal().reset(ShardId{1});
    world.append(make(1, 1));
    CHECK(world.next_event<Appended>() == Appended{ShardId{1}, 1});
  });
}

TEST_CASE(
    "journal: a barrier promises its epoch, durably; an older epoch is refused from then on") {
  each_world([](JournalWorld& world) {
    auto barrier = make(1, 1, 5);
    barrier.promises = true;
    world.append(barrier);
    CHECK(world.next_event<Appended>().batch == 1);
    world.reopen();
    world.append(make(1, 2, 4));
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
    world.journal().reset(ShardId{1});
    world.append(make(1, 2, 5));
    CHECK(world.next_event<Appended>().batch == 2);
  });
}

TEST_CASE("journal: a recovery hands over every record in order, however many there are") {
  each_world([](JournalWorld& world) {
    constexpr std::uint64_t count = 5000;
    for (std::uint64_t i = 1; i <= count; ++i) world.append(make(1, i));
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
    world.append(make(1, 1, 1, 0));
    CHECK(world.next_event<Appended>().batch == 1);
    world.append(make(1, 2, 1, 0));
    CHECK(world.next_event<Appended>().batch == 2);
    world.append(make(1, 3, 1, 1));
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
    world.append(std::move(snapshot));
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
    for (std::uint64_t i = 1; i <= 4; ++i) world.append(make(1, i));
    while (world.next_event<Appended>().batch < 4) continue;
    auto other = make(1, 3, 2);
    other.replaces = other.promises = true;
    other.batch = 5;
    world.append(other);
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
    world.append(more);
    CHECK(world.next_event<Appended>().batch == 6);
  });
}

TEST_CASE("journal: what is trimmed is gone, durably, and the rest has the indices that it had") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 5; ++i) world.append(make(1, i, 1, i == 5 ? 4 : 0));
    while (world.next_event<Appended>().batch < 5) continue;
    world.append({.shard = ShardId{1}, .index = LogIndex{3}, .trims = true});
    world.append(make(2, 1));
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
      world.append(make(1, 6 + life));
      CHECK(world.next_event<Appended>().batch == 6 + life);
      if (life == 0) world.reopen();
    }
    auto below = make(1, 2);
    below.replaces = true;
    world.append(below);
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
  });
}

TEST_CASE("journal: a trim that names no record of the log is none") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 2; ++i) world.append(make(1, i));
    for (const std::uint64_t index : {0, 1, 3, 9})
      world.append({.shard = ShardId{1}, .index = LogIndex{index}, .trims = true});
    world.append(make(1, 3));
    while (world.next_event<Appended>().batch < 3) continue;
    world.journal().read(7, ShardId{1}, LogIndex{1}, 1 << 20);
    CHECK(world.next_event<LogRead>().records.size() == 3);
  });
}

TEST_CASE("journal: a log may begin anew at any index, and nothing of the old one comes back") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 3; ++i) world.append(make(1, i));
    while (world.next_event<Appended>().batch < 3) continue;
    std::uint64_t batch = 3;
    for (const std::uint64_t first : {10, 2, 1}) {
      for (auto index : {first, first + 1}) {
        auto request = make(1, index, 2);
        request.replaces = request.begins = index == first;
        request.batch = ++batch;
        world.append(request);
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
    for (std::uint64_t i = 1; i <= 5; ++i) world.append(make(1, i));
    while (world.next_event<Appended>().batch < 5) continue;
    world.append({.shard = ShardId{1}, .index = LogIndex{4}, .trims = true});
    auto anew = make(1, 2, 2);
    anew.replaces = anew.begins = true;
    anew.batch = 6;
    world.append(anew);
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
    world.append(make(1, 1));
    CHECK(world.next_event<Appended>().batch == 1);
    world.append(make(1, 2));
    world.append(make(1, 3));
    auto other = make(1, 2, 2);
    other.replaces = true;
    other.batch = 4;
    world.append(other);
    while (world.next_event<Appended>().batch < 4) continue;
    world.reopen();
    world.journal().read(7, ShardId{1}, LogIndex{1}, 1 << 20);
    CHECK(world.next_event<LogRead>().records ==
          std::vector<Bytes>{make(1, 1).record, other.record});
  });
}

TEST_CASE("journal: a promise alone is durable and writes no record") {
  each_world([](JournalWorld& world) {
    world.append(make(1, 1));
    CHECK(world.next_event<Appended>().batch == 1);
    world.append({.shard = ShardId{1},
                  .epoch = Epoch{9},
                  .index = LogIndex{2},
                  .promises = true,
                  .batch = 2});
    CHECK(world.next_event<Appended>().batch == 2);
    world.reopen();
    world.journal().recover(5, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records.size() == 1);
    CHECK(world.next_event<RecoveryFinished>().logs.at(0).promised == Epoch{9});
    world.append(make(1, 2, 8));
    CHECK(world.next_event<AppendFailed>().index == LogIndex{2});
  });
}

TEST_CASE("journal: a part of the log holds at least one record and no more than fit") {
  each_world([](JournalWorld& world) {
    for (std::uint64_t i = 1; i <= 3; ++i) world.append(make(1, i));
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
      world.append(std::move(request));
      CHECK(world.next_event<Appended>().batch == i);
    }
    world.append({.shard = ShardId{1},
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
    world.append(std::move(request));
    CHECK(world.next_event<Appended>().batch == 3);
    world.reopen();
    world.journal().recover(6, {ShardId{1}});
    CHECK(world.next_event<Recovered>().records.size() == 3);
    CHECK(world.next_event<RecoveryFinished>().logs.at(0).renewals == 1);
  });
}
