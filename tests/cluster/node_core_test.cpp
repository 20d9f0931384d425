/// The control plane of one node alone, and what a register may say of it.
#include "coterie/cluster/node_core.hpp"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::cluster;

namespace {

/// It forms its cluster by itself; the test is its disk and its clock.
struct Alone {
  explicit Alone(StoredRegisters stored = {.disk = 7})
      : core({.name = "a",
              .gossip = address_from(Bytes{127, 0, 0, 1}, 1),
              .link = address_from(Bytes{127, 0, 0, 1}, 2),
              .entity_types = 1,
              .start = life,
              .stored = std::move(stored)},
             Random(1), now) {
    run(core.start(now));
  }
  void run(NodeEffects effects) {
    for (auto& effect : effects) {
      if (std::holds_alternative<PersistIdentity>(effect)) run(core.identity_persisted(now));
      if (const auto* life_kept = std::get_if<PersistLife>(&effect)) {
        token = life_kept->tried;
        run(core.life_persisted(now));
      }
      if (const auto* batch = std::get_if<replication::raft::Persist>(&effect)) {
        if (hangs) last_batch = batch->batch;
        else run(core.raft_persisted(batch->batch, now));
      }
      if (const auto* stop = std::get_if<Stop>(&effect)) stopped = *stop;
      if (const auto* said = std::get_if<LogEvent>(&effect)) log.push_back(said->text);
    }
  }
  /// Until `done`, a minute at most.
  template <class Done>
  bool until(Done done) {
    for (const auto end = now + 60s; now < end && !done();
         now = std::max(now, core.next_deadline()))
      run(core.tick(now));
    return done();
  }
  bool leads_all() {
    return until([&] {
      for (const auto& entry : core.table().registers)
        if (entry.primary != "a" || entry.start != life || entry.disk != 7) return false;
      return core.table().formed();
    });
  }
  [[nodiscard]] const replication::Register& entry() const { return core.table().at(ShardId{0}); }
  /// Every shard is served, as its worker would say.
  void serve() {
    for (std::uint16_t i = 0; i < sharding::shard_count; ++i)
      run(core.shard_status({.shard = ShardId{i}, .phase = ShardPhase::serving}, now));
  }
  void change(replication::Register desired) {
    const auto expected = entry().epoch;
    run(core.propose({ShardId{0}, expected, std::move(desired)}, now));
    REQUIRE(until([&] { return entry().epoch > expected; }));
  }

  static constexpr StartId life{3};
  Instant now{1'000'000'000};
  std::optional<Stop> stopped{};
  std::vector<std::string> log{};
  bool hangs = false;  ///< its own store
  std::uint64_t last_batch = 0;
  std::uint64_t token{};  ///< of its life, in the registers
  NodeCore core;
};

}  // namespace

TEST_CASE("node core: a node alone forms its cluster and leads every shard in its own life") {
  Alone node;
  CHECK(node.leads_all());
  CHECK(node.core.leads_registers());
  node.serve();
  CHECK(node.core.readiness().ready);
  CHECK(node.core.readiness().degraded.empty());
}

TEST_CASE(
    "node core: a register that names a later life of the newest copy of a directory is claimed") {
  Alone node;
  REQUIRE(node.leads_all());
  const auto before = node.entry().epoch;
  // An older copy of this directory was started more often than this one, and was refused.
  node.change(node.entry().led_by({"a", 7}, StartId{9}, replication::Rule::failed_over));
  CHECK(node.leads_all());
  CHECK(node.entry().epoch > next(before));
  CHECK_FALSE(node.stopped);
}

TEST_CASE(
    "node core: a process on a copy of the directory that was confirmed later ends this one") {
  Alone node;
  REQUIRE(node.leads_all());
  const replication::Register other{
      .epoch = Epoch{4711}, .primary = "a", .start = StartId{4}, .disk = 7};
  node.run(node.core.propose({replication::life_register, Epoch{node.token}, other}, node.now));
  const auto before = node.entry().epoch;
  node.change(node.entry().led_by({"a", 7}, StartId{4}, replication::Rule::restarted));
  REQUIRE(node.until([&] { return node.stopped.has_value(); }));
  CHECK(node.stopped->error->detail.find("older copy of itself") != std::string::npos);
  CHECK(node.entry().epoch == next(before));  // it claimed nothing
}

TEST_CASE("node core: what another directory of its name led is not claimed, and health says so") {
  Alone node;
  REQUIRE(node.leads_all());
  auto elsewhere = node.entry().led_by({"a", 8}, StartId{1}, replication::Rule::failed_over);
  elsewhere.in_sync = elsewhere.replicas = {{"a", 8}};
  node.change(elsewhere);
  const auto lost = node.entry();
  CHECK_FALSE(node.leads_all());
  CHECK(node.entry() == lost);
  CHECK_FALSE(node.core.readiness().ready);
  CHECK(node.core.readiness().reason.find("another data directory") != std::string::npos);
}

TEST_CASE("node core: a register without a directory is ours at the first confirmed start alone") {
  for (const auto& [confirmed, start, ours] :
       {std::tuple{0u, 2u, true}, {5u, 2u, false}, {0u, 3u, false}}) {
    Alone node({.disk = 7, .confirmed_life = confirmed});
    REQUIRE(node.leads_all());
    node.change({next(node.entry().epoch), "a", StartId{start}, {}, {}});
    CHECK(node.leads_all() == ours);
  }
}

TEST_CASE(
    "node core: a copy that cannot be used while another node leads is told, and not waited for") {
  Alone node;
  REQUIRE(node.leads_all());
  node.serve();
  node.change(node.entry().led_by({"b", 4}, StartId{1}, replication::Rule::failed_over));
  node.run(node.core.shard_status(
      {.shard = ShardId{0}, .phase = ShardPhase::failed, .detail = "the disk is gone"}, node.now));
  const auto said = node.core.readiness();
  CHECK(said.ready);
  REQUIRE(said.degraded.size() == 2);
  CHECK(said.degraded[0].find("the disk is gone") != std::string::npos);
  CHECK(said.degraded[1] == "1 shard is unavailable: node 'b' is down");
}

TEST_CASE("node core: a node whose disk stalls takes no lead until it was well for half a minute") {
  Alone node;
  REQUIRE(node.leads_all());
  node.serve();
  const auto say = [&](bool stalls) {
    node.run(node.core.shard_status(
        {.shard = ShardId{0}, .phase = ShardPhase::serving, .stalls = stalls}, node.now));
  };
  const auto pass = [&](Duration span) {
    const auto end = node.now + span;
    REQUIRE(node.until([&] { return node.now >= end; }));
    node.run(node.core.tick(node.now));
  };
  say(true);
  CHECK(node.core.placeable_nodes(node.now).at(0).slow);
  CHECK(node.core.readiness().ready);
  CHECK(node.core.readiness().degraded == std::vector{std::string(slow_disk)});
  pass(slow_hold + 5s);
  CHECK(node.core.placeable_nodes(node.now).at(0).slow);  // still nothing is done
  say(false);
  pass(slow_hold - 2s);
  CHECK(node.core.placeable_nodes(node.now).at(0).slow);
  pass(4s);
  CHECK_FALSE(node.core.placeable_nodes(node.now).at(0).slow);
  CHECK(node.core.readiness().degraded.empty());
}

TEST_CASE("node core: a node whose disk failed for good gives all away, leaves and says why") {
  Alone node;
  REQUIRE(node.leads_all());
  node.serve();
  node.run(node.core.shard_status({.shard = ShardId{3},
                                   .phase = ShardPhase::failed,
                                   .detail = "EIO",
                                   .stalls = true,
                                   .disk_failed = true},
                                  node.now));
  CHECK(node.core.readiness().reason == "leaving");
  REQUIRE(node.until([&] { return node.stopped.has_value(); }));
  REQUIRE(node.stopped->error);
  CHECK(node.stopped->error->detail.find("EIO; restart this node on a sound disk") !=
        std::string::npos);
}

TEST_CASE("node core: shards that can commit nothing are told, although they are served") {
  Alone node;
  REQUIRE(node.leads_all());
  node.serve();
  auto desired = node.entry();
  desired.epoch = next(desired.epoch);
  desired.replicas = desired.in_sync = {{"a", 7}, {"b", 9}};
  desired.min_in_sync = 2;
  node.change(std::move(desired));
  node.serve();
  const auto said = node.core.readiness();
  CHECK(said.ready);
  REQUIRE(said.degraded.size() == 1);
  CHECK(said.degraded[0].starts_with("1 shard of this node can commit nothing"));
}

TEST_CASE("node core: what a node waits for is logged once, and when it waits no longer") {
  Alone node;
  REQUIRE(node.leads_all());
  const auto said = [&](Duration span, const std::string& start) {
    node.log.clear();
    const auto end = node.now + span;
    REQUIRE(node.until([&] { return node.now >= end; }));
    return std::count_if(node.log.begin(), node.log.end(),
                         [&](const auto& line) { return line.starts_with(start); });
  };
  CHECK(said(20s, "not ready: recovering 256 of 256 shards") == 1);
  node.serve();
  CHECK(said(20s, "ready, and nothing is wrong") == 1);
  CHECK(said(20s, "") == 0);
}

TEST_CASE("node core: a node whose own store hangs is slow, until half a minute after it went on") {
  Alone node;
  REQUIRE(node.leads_all());
  node.serve();
  const auto slow_after = [&](Duration span) {
    const auto end = node.now + span;
    REQUIRE(node.until([&] { return node.now >= end; }));
    node.run(node.core.tick(node.now));
    return node.core.placeable_nodes(node.now).at(0).slow;
  };
  node.hangs = true;
  auto desired = node.entry();
  desired.epoch = next(desired.epoch);
  node.run(node.core.propose({ShardId{0}, node.entry().epoch, std::move(desired)}, node.now));
  CHECK_FALSE(slow_after(store_patience - 1s));
  CHECK(slow_after(2s));
  node.hangs = false;
  node.run(node.core.raft_persisted(node.last_batch, node.now));
  CHECK(slow_after(slow_hold - 2s));
  CHECK_FALSE(slow_after(4s));
}

TEST_CASE(
    "founder: whoever is of another cluster in one life for long enough is right, for a while") {
  const Instant begin{1'000'000'000};
  FounderDoubt founder;
  CHECK_FALSE(founder.doubts(begin));  // it formed nothing in this start
  founder.founded(begin);
  CHECK(founder.doubts(begin + founder_doubt - 1ns));
  CHECK_FALSE(founder.doubts(begin + founder_doubt));
  CHECK_FALSE(founder.is_elsewhere("b", StartId{1}, begin));
  CHECK_FALSE(founder.is_elsewhere("b", StartId{1}, begin + founder_patience - 1ns));
  CHECK(founder.is_elsewhere("b", StartId{1}, begin + founder_patience));
  const auto again = begin + founder_patience;
  CHECK_FALSE(founder.is_elsewhere("b", StartId{2}, again));  // it ended, and was started again
  founder.gone("b");
  CHECK_FALSE(founder.is_elsewhere("b", StartId{2}, again + founder_patience));
}

TEST_CASE("disk: the oldest write of the store counts, until the newest is done") {
  const Instant begin{1'000'000'000};
  DiskHealth disk;
  CHECK(disk.next_deadline() == never);
  disk.asked(1, begin);
  disk.asked(2, begin + 1s);
  CHECK(disk.next_deadline() == begin + store_patience);
  CHECK_FALSE(disk.store_hangs(begin + store_patience - 1ns));
  CHECK(disk.store_hangs(begin + store_patience));
  disk.written(1, begin + 2s);
  CHECK_FALSE(disk.store_hangs(begin + 2s + store_patience - 1ns));
  CHECK(disk.store_hangs(begin + 2s + store_patience));
  disk.written(2, begin + 3s);
  CHECK_FALSE(disk.store_hangs(begin + 100s));
}
