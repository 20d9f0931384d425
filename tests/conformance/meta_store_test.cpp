/// What any MetaStore must do, whatever it is made of. A world runs a store until it is quiet: it
/// answers its disk, carries its messages, and lets time pass.
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>

#include "coterie/replication/raft/stored.hpp"
#include "coterie/replication/raft_meta_store.hpp"

using namespace coterie;
using namespace coterie::replication;

namespace {

/// The embedded store on so many voters; the disks keep what was persisted.
struct RaftWorld {
  explicit RaftWorld(std::size_t voters) {
    for (std::size_t i = 0; i < voters; ++i)
      names.push_back({std::string(1, char('a' + i)), i + 1});
    auto first = RaftMetaStore::founded(names[0], {});
    first.snapshot.configuration.voters = names;
    disks.assign(voters, first);
    for (std::size_t i = 0; i < voters; ++i) start(i);
    settle();
  }
  void start(std::size_t i) {
    stores.resize(names.size());
    stores[i] =
        std::make_unique<RaftMetaStore>(raft::RaftConfig{}, names[i], disks[i], Random(i + 7), now);
  }
  void run(std::size_t i, MetaEffects effects) {
    for (auto& effect : effects) {
      if (auto* send = std::get_if<raft::Send>(&effect)) wire.push_back(std::move(send->message));
      else if (auto* persist = std::get_if<raft::Persist>(&effect)) syncs.emplace_back(i, *persist);
      else if (auto* swapped = std::get_if<Swapped>(&effect)) answers[swapped->token] = *swapped;
      else if (auto* changed = std::get_if<RegistersChanged>(&effect))
        watched[i].push_back(*changed);
    }
  }
  bool step(bool disks_work) {
    if (!wire.empty()) {
      const auto message = std::move(wire.front());
      wire.pop_front();
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == message.to && stores[i]) run(i, stores[i]->receive(message, now));
      return true;
    }
    if (!disks_work || syncs.empty()) return false;
    const auto [i, batch] = std::move(syncs.front());
    syncs.pop_front();
    raft::write(disks[i], batch);
    if (stores[i]) run(i, stores[i]->persisted(batch.batch, now));
    return true;
  }
  /// Until somebody leads and nothing is under way.
  void settle(Duration span = 3s) {
    for (const auto end = now + span; now < end; now = now + 10ms) {
      for (std::size_t i = 0; i < names.size(); ++i)
        if (stores[i] && stores[i]->next_deadline() <= now) run(i, stores[i]->tick(now));
      while (step(true)) {
      }
    }
  }
  RaftMetaStore& leader() {
    for (auto& store : stores)
      if (store && store->leads()) return *store;
    FAIL("nobody leads");
    return *stores[0];
  }
  std::size_t leader_at() {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (stores[i].get() == &leader()) return i;
    return 0;
  }
  void swap(std::uint64_t token, const std::vector<Swap>& swaps, std::uint64_t types = 0) {
    const auto i = leader_at();
    run(i, stores[i]->compare_and_swap(token, swaps, types));
  }
  void kill(std::size_t i) {
    stores[i].reset();
    std::erase_if(syncs, [&](const auto& sync) { return sync.first == i; });
  }
  Instant now{1'000'000'000};
  std::vector<raft::MemberId> names{};
  std::vector<raft::Stored> disks{};
  std::vector<std::unique_ptr<RaftMetaStore>> stores{};
  std::deque<raft::Message> wire{};
  std::deque<std::pair<std::size_t, raft::Persist>> syncs{};
  std::map<std::uint64_t, Swapped> answers{};
  std::map<std::size_t, std::vector<RegistersChanged>> watched{};
};

Swap to(std::uint16_t shard, std::uint64_t expected, const std::string& node) {
  return {ShardId{shard},
          Epoch{expected},
          {Epoch{expected + 1}, node, StartId{1}, {{node, 1}}, {{node, 1}}}};
}

}  // namespace

TEST_CASE("meta store: each shard of a batch wins or loses alone, and is answered once durable") {
  for (const std::size_t voters : {1, 3}) {
    RaftWorld world(voters);
    world.swap(7, {to(0, 0, "a"), to(1, 5, "a"), to(999, 0, "a")});
    while (world.step(false)) {
    }
    CHECK(world.answers.empty());  // no disk has synced
    world.settle();
    REQUIRE(world.answers.contains(7));
    const auto& results = world.answers[7].results;
    REQUIRE(results.size() == 3);
    CHECK(results[0].won);
    CHECK_FALSE(results[1].won);
    CHECK(results[1].current == Register{});
    CHECK_FALSE(results[2].won);
    CHECK(world.leader().get(ShardId{0}).primary == "a");
  }
}

TEST_CASE("meta store: of two swaps of one epoch the first wins, and the second sees it") {
  for (const std::size_t voters : {1, 3}) {
    RaftWorld world(voters);
    world.swap(1, {to(0, 0, "a")});
    world.swap(2, {to(0, 0, "b")});
    world.settle();
    CHECK(world.answers[1].results.at(0).won);
    CHECK_FALSE(world.answers[2].results.at(0).won);
    CHECK(world.answers[2].results.at(0).current.primary == "a");
  }
}

TEST_CASE("meta store: an epoch grows by one, and a swap to any other loses") {
  RaftWorld world(1);
  auto skipping = to(0, 0, "a");
  skipping.desired.epoch = Epoch{2};
  world.swap(1, {skipping});
  world.settle();
  CHECK_FALSE(world.answers[1].results.at(0).won);
}

TEST_CASE("meta store: watchers everywhere hear of every change, and the first digest stays") {
  RaftWorld world(3);
  world.swap(1, {to(3, 0, "a")}, 77);
  world.swap(2, {to(3, 1, "b")}, 88);
  world.settle();
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(world.watched[i].size() == 2);
    CHECK(world.watched[i][1].registers.at(0).second.primary == "b");
    CHECK(world.watched[i][1].entity_types == 77);
  }
}

TEST_CASE("meta store: what was answered survives a restart of everybody") {
  for (const std::size_t voters : {1, 3}) {
    RaftWorld world(voters);
    world.swap(1, {to(3, 0, "a")}, 77);
    world.settle();
    for (std::size_t i = 0; i < voters; ++i) world.kill(i);
    for (std::size_t i = 0; i < voters; ++i) world.start(i);
    world.settle();
    CHECK(world.leader().get(ShardId{3}).primary == "a");
    CHECK(world.leader().state().entity_types() == 77);
  }
}

TEST_CASE("meta store: with a voter less of three it goes on, and who leads no longer is silent") {
  RaftWorld world(3);
  const auto old = world.leader_at();
  world.kill(old);
  world.settle();
  CHECK(world.leader_at() != old);
  world.swap(1, {to(3, 0, "a")});
  world.settle();
  CHECK(world.answers[1].results.at(0).won);
  world.start(old);
  CHECK(world.stores[old]->compare_and_swap(2, {to(4, 0, "a")}, 0).empty());
  world.settle();
  CHECK(world.stores[old]->get(ShardId{3}).primary == "a");
}

TEST_CASE("meta store: a long history becomes a snapshot, from which a new member starts") {
  RaftWorld world(3);
  world.kill((world.leader_at() + 1) % 3);
  const auto behind = (world.leader_at() + 1) % 3;
  for (std::uint64_t i = 0; i < compact_entries + 10; ++i) {
    world.swap(i, {to(3, i, "a")});
    if (i % 100 == 0) world.settle(1s);
  }
  world.settle();
  CHECK(world.leader().raft().log().snapshot().index > raft::Index{1});
  world.start(behind);
  world.settle();
  CHECK(world.stores[behind]->get(ShardId{3}) == world.leader().get(ShardId{3}));
  CHECK(world.stores[behind]->get(ShardId{3}).epoch == Epoch{compact_entries + 10});
}
