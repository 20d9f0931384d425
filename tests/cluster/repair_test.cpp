/// A copy whose disk lost something: it leads no more, takes another name, and begins again from
/// what is sound.
#include "coterie/replication/copy_id.hpp"
#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;
using replication::LogState;
using replication::Register;
using replication::Rule;
using Member = replication::raft::MemberId;

namespace {

const Member us_anew{"a", replication::renewed(1, 1)};

/// Shard of "x": this node has a copy of five records. Which ones are damaged is the test's choice.
struct Damaged : Bench {
  Damaged() : Bench(false, of_cluster(1)) {
    Bench writer;
    for (int i = 0; i < 4; ++i) writer.ask(0), writer.sync();
    for (auto& [at, record] : writer.disk)
      if (at.first == shard_of_x) disk[at] = record;
    REQUIRE(disk.size() == 5);
  }
  void flip(std::uint64_t index) { disk.at({shard_of_x, LogIndex{index}}).at(40) ^= 1; }
  void tell(const Register& entry, bool present = true) {
    now = now + 200ms;  // the next step of a repair
    auto routes = std::make_shared<Routes>();
    routes->cluster = our_cluster;
    routes->table.entity_types = 1;
    routes->peers = {{"0", {}, 1, StartId{5}, present, disk_there}};
    for (auto& e : routes->table.registers) e = led_by("0", entry.epoch);
    routes->table.registers[shard_of_x.value] = entry;
    given = routes;
    core.routes(routes, now, *this);
    turn();
  }
  std::uint64_t disk_there = their_copy.disk;  ///< that the peer runs with
  void turn() {
    core.tick(now, *this);
    core.flush(now, *this);
  }
  /// A heartbeat of who leads.
  void hear(OtherNode& peer, Epoch epoch) {
    const replication::shard_log::Message message{their_copy, our_copy, epoch,
                                                  replication::shard_log::Append{}};
    peer.say(shard_of_x, message);
    messaging::LinkEffects out;
    peer.links.flush(now, out);
    peer.exchange(std::move(out));
    now = now + 200ms;
    turn();
  }
  [[nodiscard]] static Register entry(const Member& leader, std::vector<Member> in_sync,
                                      std::uint64_t epoch = 5) {
    return {Epoch{epoch}, leader.node, StartId{1}, in_sync, in_sync, leader.disk};
  }
};

}  // namespace

TEST_CASE("repair: a backup with a damaged record asks for another name, beside the old one") {
  Damaged bench;
  bench.flip(3);
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}));
  CHECK(bench.reports.back().phase == ShardPhase::failed);
  CHECK(bench.reports.back().detail.find("damaged behind record 2") != std::string::npos);
  REQUIRE(bench.proposals.size() == 1);
  const auto& desired = bench.proposals[0].desired;
  CHECK(desired.epoch == Epoch{6});
  CHECK(desired.in_sync == std::vector{their_copy, our_copy});
  CHECK(desired.replicas == std::vector{their_copy, our_copy, us_anew});
  CHECK(bench.appends.empty());
}

TEST_CASE(
    "repair: the damaged part is cut once the name is known and another one is heard to lead") {
  Damaged bench;
  OtherNode peer(bench);
  bench.flip(3);
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}));
  bench.hear(peer, Epoch{5});
  auto known = bench.proposals.at(0).desired;
  bench.tell(known);
  bench.hear(peer, Epoch{5});  // of an epoch that is over
  CHECK(bench.appends.empty());
  bench.hear(peer, Epoch{6});
  REQUIRE(bench.appends.size() == 1);
  CHECK(bench.appends[0].index == LogIndex{3});
  CHECK(bench.appends[0].replaces);
  CHECK(bench.appends[0].renewal == 1);
  bench.sync();
  bench.turn();
  const auto* const copy = bench.core.copy_of(shard_of_x);
  REQUIRE(copy != nullptr);
  CHECK(copy->self() == us_anew);
  CHECK(copy->last() == LogIndex{2});
  CHECK(bench.core.counters().renewals == 1);
}

TEST_CASE("repair: of two damaged copies neither is cut: each may have what the other lost") {
  Damaged bench;
  bench.flip(3);
  auto both = bench.entry(their_copy, {their_copy, our_copy});
  both.replicas = {their_copy, {"0", replication::renewed(9, 1)}, our_copy, us_anew};
  bench.tell(both);
  bench.now = bench.now + 10s;
  bench.turn();
  CHECK(bench.appends.empty());
}

TEST_CASE("repair: a log closed on suspicion alone opens when there is no better one any more") {
  Damaged bench;
  bench.states[shard_of_x] = LogState::suspect;
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}));
  CHECK(bench.core.copy_of(shard_of_x) == nullptr);
  bench.tell(bench.entry(our_copy, {our_copy}, 6));
  bench.turn();
  CHECK(bench.core.copy_of(shard_of_x) != nullptr);
}

TEST_CASE("repair: a suspect log that was opened alone closes when others turn out to be in sync") {
  Damaged bench;
  bench.states[shard_of_x] = LogState::suspect;
  bench.tell(bench.entry({"gone", 7}, {our_copy}));
  CHECK(bench.core.copy_of(shard_of_x) != nullptr);
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}, 6));
  CHECK(bench.core.copy_of(shard_of_x) == nullptr);
}

TEST_CASE("repair: a copy in sync that is to be dropped does not ask to stay") {
  Damaged bench;
  auto dropped = bench.entry(their_copy, {their_copy, our_copy});
  dropped.replicas = {their_copy};
  bench.tell(dropped);
  bench.now = bench.now + 1s;
  bench.turn();
  CHECK(bench.proposals.empty());
}

TEST_CASE("repair: a copy that is in sync under both its names leads under the later one") {
  Damaged bench;
  bench.renewals[shard_of_x] = 1;
  bench.tell(bench.entry(our_copy, {our_copy, us_anew}));
  bench.now = bench.now + 200ms;
  bench.turn();
  REQUIRE_FALSE(bench.proposals.empty());
  CHECK(bench.proposals.back().desired.leader() == us_anew);
}

TEST_CASE("repair: who leads with a damaged log first gives the shard up") {
  Damaged bench;
  bench.flip(2);
  bench.tell(bench.entry(our_copy, {our_copy, their_copy}));
  REQUIRE_FALSE(bench.proposals.empty());
  CHECK(bench.proposals[0].desired.leader() == their_copy);
  CHECK(bench.proposals[0].desired.rule == Rule::disk_failed);
}

TEST_CASE("repair: nothing is cut while nobody else who is in sync can be reached") {
  Damaged bench;
  bench.flip(3);
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}), false);
  bench.now = bench.now + 10s;
  bench.turn();
  CHECK(bench.proposals.empty());
  CHECK(bench.appends.empty());
}

TEST_CASE("repair: an only copy stays closed, until an operator gives up what it lost") {
  Damaged bench;
  bench.flip(4);
  bench.tell(bench.entry(our_copy, {our_copy}));
  CHECK(bench.reports.back().detail.find("coterie force-primary") != std::string::npos);
  bench.now = bench.now + 1s;
  bench.turn();
  CHECK(bench.proposals.empty());
  auto forced = bench.entry(our_copy, {our_copy}, 6);
  forced.rule = Rule::forced;
  forced.rule_epoch = Epoch{6};
  bench.tell(forced);
  REQUIRE(bench.proposals.size() == 1);
  CHECK(bench.proposals[0].desired.leader() == us_anew);
  CHECK(bench.proposals[0].desired.in_sync == std::vector{us_anew});
  bench.tell(bench.proposals[0].desired);
  bench.sync();
  bench.turn();
  bench.sync();
  CHECK(bench.core.copy_of(shard_of_x)->serves());
  CHECK(bench.core.copy_of(shard_of_x)->last() == LogIndex{4});  // three sound ones and a barrier
}

TEST_CASE("repair: a log that may lack its last record is renewed where there is a better one") {
  for (const bool better : {true, false}) {
    Damaged bench;
    bench.states[shard_of_x] = LogState::suspect;
    bench.tell(better ? bench.entry(their_copy, {their_copy, our_copy})
                      : bench.entry(our_copy, {our_copy}));
    CHECK(bench.proposals.empty() == !better);
    CHECK((bench.core.copy_of(shard_of_x) == nullptr) == better);
  }
}

TEST_CASE("repair: a copy that was renewed before answers to its new name alone") {
  Damaged bench;
  bench.renewals[shard_of_x] = 1;
  bench.tell(bench.entry(our_copy, {our_copy, their_copy}));
  CHECK_FALSE(bench.core.copy_of(shard_of_x)->leads());
  REQUIRE_FALSE(bench.proposals.empty());
  CHECK(bench.proposals.back().desired.leader() == their_copy);
}

TEST_CASE(
    "repair: a record that went bad while the node ran closes the copy, which is read again") {
  Damaged bench;
  OtherNode peer(bench);
  bench.tell(bench.entry(our_copy, {our_copy, their_copy}));
  peer.settle();
  REQUIRE(bench.core.copy_of(shard_of_x)->serves());
  bench.ask(1);
  REQUIRE(bench.replays.size() == 1);
  bench.flip(3);
  bench.core.journal(replication::Replayed{.token = std::get<0>(bench.replays[0]),
                                           .records = {bench.disk.at({shard_of_x, LogIndex{3}})},
                                           .error = {}},
                     bench.now, bench);
  CHECK(bench.core.copy_of(shard_of_x) == nullptr);
  CHECK(bench.last().status == code(Errc::storage));
  bench.now = bench.now + reopen_pause;
  bench.turn();
  REQUIRE_FALSE(bench.proposals.empty());
  CHECK(bench.proposals.back().desired.leader() == their_copy);
  CHECK(bench.core.counters().damages == 1);
}

TEST_CASE("repair: a node that is back with another directory is no company for a damaged copy") {
  Damaged bench;
  bench.disk_there = their_copy.disk + 1;
  bench.flip(3);
  bench.tell(bench.entry(their_copy, {their_copy, our_copy}));
  CHECK(bench.proposals.empty());
  CHECK(bench.reports.back().phase == ShardPhase::failed);
  CHECK(bench.reports.back().detail.find("coterie force-primary") != std::string::npos);
}
