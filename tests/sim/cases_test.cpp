/// The placement contract's case table, case by case, on simulated clusters under load: what must
/// come of each, and that everything acknowledged is there once. The campaign of ledger_run meets
/// most of them by chance; here each is made to happen.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "coterie/sim/process.hpp"
#include "coterie/sim/world.hpp"

using namespace coterie;
using cluster::ShardPhase;
using replication::Register;

namespace {

constexpr std::size_t accounts = 40;

std::string account(std::size_t i) { return "case-" + std::to_string(i % accounts); }
ShardId shard_of_account(std::size_t i) {
  return sharding::shard_of(sharding::entity_hash(account(i)));
}

struct Case {
  explicit Case(std::size_t nodes) : world({.seed = 11, .nodes = nodes}) {
    for (std::size_t i = 0; i < nodes; ++i) world.start(i);
    REQUIRE(world.run_until([&] { return settled(); }, 120s));
    goes_on();
  }
  /// Three copies of each shard are in sync, nothing moves, and the registers have all their
  /// voters: before, they hang on fewer nodes.
  bool settled() {
    auto* const leader = world.registers_leader();
    if (leader == nullptr || !leader->node().table().formed()) return false;
    if (leader->node().meta_store()->raft().configuration().voters.size() != world.size())
      return false;
    for (std::size_t i = 0; i < world.size(); ++i)
      if (!world.is_up(i) || !world.process(i).node().readiness().ready) return false;
    for (const auto& entry : leader->node().table().registers)
      if (entry.in_sync.size() != 3 || entry.replicas.size() != 3 || entry.moves()) return false;
    return true;
  }
  /// The newest that anybody knows.
  [[nodiscard]] Register entry(ShardId shard) {
    Register newest;
    for (std::size_t i = 0; i < world.size(); ++i)
      if (world.is_up(i) && world.process(i).node().table().at(shard).epoch > newest.epoch)
        newest = world.process(i).node().table().at(shard);
    return newest;
  }
  [[nodiscard]] static std::size_t index_of(const std::string& node) {
    return static_cast<std::size_t>(std::stoul(node.substr(1)));
  }
  [[nodiscard]] std::size_t primary(ShardId shard) { return index_of(entry(shard).primary); }
  /// A cent, again under its id until it is acknowledged, through any node of `through` that is up.
  void deposit(std::size_t i, std::uint64_t id) {
    const auto again = [=, this] { world.after(20ms, [=, this] { deposit(i, id); }); };
    auto node = through[world.random().below(std::uint64_t{through.size()})];
    if (!world.is_up(node)) return again();
    const auto told = std::make_shared<bool>(false);  // a process that dies tells nothing
    const auto retry = [=] {
      if (!std::exchange(*told, true)) again();
    };
    world.process(node).ask({account(i), 0, 1, CommandId{7, id}, world.now() + 2s,
                             [=, this](std::uint8_t status, std::int64_t) {
                               if (status != 0) return retry();
                               if (std::exchange(*told, true)) return;
                               ++acknowledged[account(i)];
                               ++done;
                             }});
    world.after(3s, retry);
  }
  void begin(std::size_t count = accounts) {
    for (std::size_t i = 0; i < count; ++i) deposit(i, ++asked);
  }
  void goes_on(Duration limit = 60s) {
    begin();
    REQUIRE(world.run_until([&] { return done == asked; }, limit));
  }
  struct Move {
    ShardId shard{};
    std::size_t from{}, to{};
  };
  /// Under load.
  Move begin_move() {
    const auto shard = shard_of_account(0);
    const auto from = primary(shard);
    const Move move{shard, from, (from + 1) % world.size()};
    begin();
    world.move(shard, move.to);
    return move;
  }
  /// It dies, and what was asked is done by another primary.
  void check_without(std::size_t node, ShardId shard) {
    world.kill(node, false);
    CHECK(world.run_until([&] { return primary(shard) != node && done == asked; }, 10s));
    check();
  }
  /// Every account has what was acknowledged, once.
  void check() {
    world.network().heal();
    through = everybody();
    for (std::size_t i = 0; i < world.size(); ++i)
      if (!world.is_up(i)) world.start(i);
    REQUIRE(world.run_until([&] { return settled() && done == asked; }, 120s));
    std::map<std::string, std::int64_t> found;
    for (std::size_t i = 0; i < accounts; ++i) look(i, found);
    REQUIRE(world.run_until([&] { return found.size() == accounts; }, 60s));
    CHECK(found == acknowledged);
  }
  void look(std::size_t i, std::map<std::string, std::int64_t>& found) {
    world.process(0).ask({account(i),
                          1,
                          0,
                          {},
                          world.now() + 5s,
                          [=, this, &found](std::uint8_t status, std::int64_t value) {
                            if (status == 0) found[account(i)] = value;
                            else world.after(50ms, [=, this, &found] { look(i, found); });
                          }});
  }
  [[nodiscard]] std::vector<std::size_t> everybody() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < world.size(); ++i) all.push_back(i);
    return all;
  }
  /// Nothing passes between one of `some` and anybody else.
  void cut_off(const std::vector<std::size_t>& some) {
    for (const auto a : some)
      for (const auto b : everybody())
        if (std::find(some.begin(), some.end(), b) == some.end()) world.network().cut(a, b);
  }

  sim::World world;
  std::vector<std::size_t> through = everybody();
  std::map<std::string, std::int64_t> acknowledged{};
  std::uint64_t asked = 0, done = 0;
};

}  // namespace

TEST_CASE("case: a killed primary's shard is led by another of its in-sync set") {
  Case run(3);
  const auto shard = shard_of_account(0);
  const auto before = run.entry(shard);
  const auto dead = run.primary(shard);
  run.world.kill(dead, false);
  run.goes_on(10s);
  const auto after = run.entry(shard);
  CHECK(after.primary != before.primary);
  CHECK(std::any_of(before.in_sync.begin(), before.in_sync.end(),
                    [&](const auto& member) { return member.node == after.primary; }));
  run.check();
}

TEST_CASE("case: who asks while an owner is killed waits for the next one, and sees no error") {
  Case run(3);
  const auto dead = run.primary(shard_of_account(0));
  const auto asker = (dead + 1) % 3;
  std::size_t wrong = 0;
  std::map<std::size_t, std::uint64_t> answered;
  // One after the other of each account: what is sent without waiting for the one before is told
  // that its outcome is unknown, but for the newest.
  const std::function<void(std::size_t)> next = [&](std::size_t i) {
    run.world.process(asker).ask({account(i), 0, 1, CommandId{8, answered[i] * accounts + i},
                                  run.world.now() + 5s, [&, i](std::uint8_t status, std::int64_t) {
                                    wrong += status == 0 ? 0 : 1;
                                    if (++answered[i] < 200) next(i);
                                  }});
  };
  for (std::size_t i = 0; i < accounts; ++i) next(i);
  run.world.run_for(50ms);
  run.world.kill(dead, false);
  CHECK(run.world.run_until(
      [&] {
        return std::all_of(answered.begin(), answered.end(),
                           [](const auto& one) { return one.second == 200; });
      },
      30s));
  CHECK(wrong == 0);
  for (std::size_t i = 0; i < accounts; ++i) run.acknowledged[account(i)] += 200;
  run.check();
}

TEST_CASE("case: a path that swallows everything for a moment moves nothing") {
  Case run(3);
  const auto table = run.world.registers_leader()->node().table().registers;
  for (int i = 0; i < 5; ++i) {
    run.world.network().cut(0, 1);
    run.world.run_for(100ms);
    run.world.network().heal();
    run.world.run_for(1s);
  }
  CHECK(run.world.registers_leader()->node().table().registers == table);
  run.check();
}

TEST_CASE("case: connections that are reset while both their ends live move nothing") {
  Case run(3);
  const auto table = run.world.registers_leader()->node().table().registers;
  std::size_t broken = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    run.begin();
    run.world.run_for(100ms);
    broken += run.world.streams().reset(i % 3, (i + 1) % 3);
  }
  CHECK(broken >= 30);
  CHECK(run.world.run_until([&] { return run.done == run.asked; }, 60s));
  CHECK(run.world.registers_leader()->node().table().registers == table);
  run.check();
}

TEST_CASE("case: a primary whose disk is slow is led by others, and commands go on") {
  Case run(3);
  const auto shard = shard_of_account(0);
  const auto slow = run.primary(shard);
  run.world.disk(slow).slow = 3s;
  const auto leads = [&](std::size_t node) {
    const auto& registers = run.world.registers_leader()->node().table().registers;
    return std::count_if(registers.begin(), registers.end(), [&](const auto& entry) {
      return entry.primary == sim::Process::name_of(node);
    });
  };
  run.begin();
  REQUIRE(run.world.run_until([&] { return run.primary(shard) != slow; }, 20s));
  CHECK(run.world.run_until([&] { return leads(slow) == 0 && run.done == run.asked; }, 60s));
  CHECK(run.world.process(slow).node().readiness().degraded.at(0) == cluster::slow_disk);
  run.world.disk(slow).slow = {};
  CHECK(run.world.run_until([&] { return leads(slow) > 60; }, 240s));
  run.check();
}

TEST_CASE("case: a primary whose disk hangs is given up for another of its in-sync set") {
  Case run(3);
  const auto shard = shard_of_account(0);
  const auto hung = run.primary(shard);
  run.world.disk(hung).slow = 3600s;
  run.begin();
  REQUIRE(run.world.run_until([&] { return run.primary(shard) != hung; }, 30s));
  CHECK(run.world.run_until([&] { return run.done == run.asked; }, 30s));
  run.world.kill(hung, true);  // what it began to write is lost
  run.world.disk(hung).slow = {};
  run.check();
}

TEST_CASE("case: a minority that holds the primary and all of the in-sync set keeps the shard") {
  Case run(5);
  const auto shard = shard_of_account(0);
  const auto members = run.entry(shard).in_sync;
  const auto p = run.primary(shard);
  std::vector<std::size_t> backups;
  for (const auto& member : members)
    if (Case::index_of(member.node) != p) backups.push_back(Case::index_of(member.node));
  REQUIRE(backups.size() == 2);
  run.world.kill(backups[1], false);
  REQUIRE(run.world.run_until(
      [&] {
        run.through = {p, backups[0]};
        return run.entry(shard).in_sync.size() == 2;
      },
      10s));
  REQUIRE(run.primary(shard) == p);
  const auto in_sync = run.entry(shard).in_sync;
  run.cut_off({p, backups[0]});
  run.world.start(backups[1]);
  const auto before = run.done;
  run.deposit(0, ++run.asked);
  CHECK(run.world.run_until([&] { return run.done > before; }, 10s));
  run.world.run_for(12s);  // who lost its copy is not replaced yet
  REQUIRE(run.world.registers_leader() != nullptr);
  CHECK(run.entry(shard).primary == sim::Process::name_of(p));
  CHECK(run.entry(shard).in_sync == in_sync);  // somebody may be to learn, and nobody is promoted
  run.check();
}

TEST_CASE("case: a primary that crashes while it drains is followed by another of its set") {
  Case run(3);
  const auto move = run.begin_move();
  const auto drains = [&] {
    const auto& shards = run.world.process(move.from).node().shards();
    const auto found = shards.find(move.shard);
    return found != shards.end() && found->second.phase == ShardPhase::handing_over;
  };
  REQUIRE(run.world.run_until(drains, 10s));
  REQUIRE(run.primary(move.shard) == move.from);
  run.check_without(move.from, move.shard);
}

TEST_CASE("case: a new primary that crashes before its barrier is followed by another of its set") {
  Case run(3);
  const auto move = run.begin_move();
  REQUIRE(run.world.run_until([&] { return run.primary(move.shard) == move.to; }, 10s));
  REQUIRE_FALSE(run.world.process(move.to).shard_core(move.shard).copy_of(move.shard)->serves());
  run.check_without(move.to, move.shard);
}

TEST_CASE("case: without a quorum of the registers nothing changes hands, and it is told") {
  Case run(3);
  const auto table = run.world.registers_leader()->node().table().registers;
  for (std::size_t node = 1; node < 3; ++node) run.world.kill(node, false);
  run.begin();
  const auto before = run.done;
  run.world.run_for(30s);
  CHECK(run.world.process(0).node().table().registers == table);
  CHECK(run.done == before);  // each shard lacks a copy that only the registers can excuse
  const auto said = run.world.process(0).node().readiness().degraded;
  CHECK(std::any_of(said.begin(), said.end(), [](const auto& line) {
    return line.find("the placement registers have no leader") != std::string::npos;
  }));
  run.check();
}

TEST_CASE("case: when the power of all fails at one moment everything acknowledged comes back") {
  Case run(3);
  for (int round = 0; round < 5; ++round) {
    run.begin();
    run.world.run_for(Duration{run.world.random().below(std::uint64_t{30'000'000})});
    for (std::size_t node = 0; node < 3; ++node) run.world.kill(node, true);
    for (std::size_t node = 0; node < 3; ++node) run.world.start(node);
    REQUIRE(run.world.run_until([&] { return run.settled() && run.done == run.asked; }, 60s));
  }
  run.check();
}
