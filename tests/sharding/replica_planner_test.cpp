#include "coterie/sharding/replica_planner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "coterie/core/random.hpp"
#include "coterie/replication/copy_id.hpp"
#include "coterie/replication/register_state.hpp"
#include "support/sanitized.hpp"

using namespace coterie;
using namespace coterie::sharding;
using replication::Register;
using Member = replication::raft::MemberId;

namespace {

std::vector<PlaceableNode> nodes_of(std::size_t count) {
  std::vector<PlaceableNode> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(
        {.name = "n" + std::to_string(i), .disk = i + 1, .start = StartId{1}, .up = true});
  return out;
}

void enact(std::vector<Register>& registers, const std::vector<replication::Swap>& swaps) {
  for (const auto& swap : swaps) registers[swap.shard.value] = swap.desired;
}

/// What primaries do: replicas that are up come in sync, who is no replica any more goes.
void learn(std::vector<Register>& registers, const std::vector<PlaceableNode>& nodes) {
  for (auto& entry : registers)
    for (const auto& node : nodes) {
      const Member member{node.name, node.disk};
      const auto in = [&](const auto& set) {
        return std::find(set.begin(), set.end(), member) != set.end();
      };
      if (node.up && in(entry.replicas) && !in(entry.in_sync)) entry.in_sync.push_back(member);
      if (!in(entry.replicas) && entry.in_sync.size() > entry.min_in_sync)
        std::erase(entry.in_sync, member);
    }
}

bool holds(const std::vector<Member>& set, const std::string& node) {
  return std::any_of(set.begin(), set.end(),
                     [&](const auto& member) { return member.node == node; });
}

}  // namespace

TEST_CASE("replica planner: the first plan has the copies on different nodes, spread evenly") {
  const auto registers = place_first(nodes_of(5), {});
  CHECK(registers.size() == replication::register_count);
  std::map<std::string, std::size_t> led, copies;
  for (const auto& entry : registers) {
    CHECK(entry.epoch == Epoch{1});
    CHECK(entry.in_sync == entry.replicas);
    CHECK(entry.replicas.size() == 3);
    CHECK(entry.min_in_sync == 2);
    CHECK(holds(entry.in_sync, entry.primary));
    ++led[entry.primary];
    for (const auto& member : entry.replicas) ++copies[member.node];
  }
  for (const auto& [node, count] : led) CHECK((count == 51 || count == 52));
  for (const auto& [node, count] : copies) CHECK_MESSAGE((count == 153 || count == 154), count);
}

TEST_CASE(
    "replica planner: fewer nodes than copies have what is possible, and one less must agree") {
  for (const auto& [count, copies, least] :
       {std::tuple<std::size_t, std::size_t, std::uint32_t>{1, 1, 1}, {2, 2, 1}, {3, 3, 2}}) {
    const auto registers = place_first(nodes_of(count), {});
    CHECK(registers[7].replicas.size() == copies);
    CHECK(registers[7].min_in_sync == least);
  }
}

TEST_CASE("replica planner: what is as it should be stays") {
  const auto nodes = nodes_of(4);
  CHECK(plan_replicas(place_first(nodes, {}), nodes, {}).empty());
}

TEST_CASE("replica planner: each shard of a node that fell goes to one that was in sync") {
  auto nodes = nodes_of(5);
  const auto before = place_first(nodes, {});
  nodes[2].up = false;
  const auto swaps = plan_replicas(before, nodes, {});
  std::map<std::string, std::size_t> heirs;
  for (const auto& swap : swaps) {
    const auto& old = before[swap.shard.value];
    CHECK(swap.expected == old.epoch);
    CHECK(swap.desired.epoch == next(old.epoch));
    CHECK(old.primary == "n2");
    CHECK(holds(old.in_sync, swap.desired.primary));
    CHECK(swap.desired.in_sync.size() == 2);
    CHECK_FALSE(holds(swap.desired.in_sync, "n2"));
    CHECK(swap.desired.replicas == old.replicas);  // it may return
    ++heirs[swap.desired.primary];
  }
  CHECK(swaps.size() == 51);
  for (const auto& [node, count] : heirs) CHECK(count < 20);  // not all to one
}

TEST_CASE("replica planner: nobody waits for a follower that is dead, as long as enough are left") {
  auto nodes = nodes_of(3);
  auto registers = place_first(nodes, {});
  nodes[2].up = false;
  const auto swaps_of = [&](const std::string& primary) {
    std::vector<replication::Swap> out;
    for (const auto& swap : plan_replicas(registers, nodes, {}))
      if (registers[swap.shard.value].primary == primary) out.push_back(swap);
    return out;
  };
  CHECK(swaps_of("n0").empty());  // it may be one path alone: its primaries know better
  nodes[2].dead = true;
  const auto swaps = swaps_of("n0");
  CHECK_FALSE(swaps.empty());
  for (const auto& swap : swaps) {
    CHECK(swap.desired.primary == "n0");
    CHECK_FALSE(holds(swap.desired.in_sync, "n2"));
    CHECK(holds(swap.desired.replicas, "n2"));
    CHECK(swap.desired.in_sync.size() == 2);
  }
  enact(registers, plan_replicas(registers, nodes, {}));
  nodes[1].up = false, nodes[1].dead = true;
  CHECK(swaps_of("n0").empty());  // two must be in sync
}

TEST_CASE("replica planner: in sync never shrinks below what may commit, and then others learn") {
  auto nodes = nodes_of(4);
  auto registers = place_first(nodes, {});
  for (auto& entry : registers) {
    entry.primary = "n0", entry.disk = 1;
    entry.in_sync = entry.replicas = {{"n0", 1}, {"n1", 2}};
    entry.min_in_sync = 2;
  }
  nodes[0].up = false;
  const auto swaps = plan_replicas(registers, nodes, {});
  REQUIRE(swaps.size() == registers.size());
  for (const auto& swap : swaps) {
    CHECK(swap.desired.primary == "n1");
    CHECK(swap.desired.in_sync == registers[0].in_sync);
    CHECK(holds(swap.desired.replicas, "n2"));
    CHECK(holds(swap.desired.replicas, "n3"));
  }
}

TEST_CASE("replica planner: nobody who was not in sync is ever promoted") {
  auto nodes = nodes_of(5);
  const auto registers = place_first(nodes, {});
  for (auto& node : nodes) node.up = node.name == "n4";
  for (const auto& swap : plan_replicas(registers, nodes, {}))
    CHECK(holds(registers[swap.shard.value].in_sync, "n4"));
}

TEST_CASE("replica planner: another disk under the same name is another replica") {
  auto nodes = nodes_of(3);
  auto registers = place_first(nodes, {});
  nodes[1].disk = 99;
  for (int round = 0; round < 8; ++round) {
    for (const auto& swap : plan_replicas(registers, nodes, {}))
      for (const auto& member : swap.desired.in_sync)  // it has to learn first
        CHECK(holds(registers[swap.shard.value].in_sync, member.node));
    enact(registers, plan_replicas(registers, nodes, {}));
    learn(registers, nodes);
  }
  for (const auto& entry : registers) {
    CHECK((entry.primary != "n1" || entry.disk == 99));
    CHECK(std::find(entry.replicas.begin(), entry.replicas.end(), Member{"n1", 99}) !=
          entry.replicas.end());
  }
}

TEST_CASE("replica planner: a copy that is gone for long is made anew elsewhere, once") {
  auto nodes = nodes_of(5);
  auto registers = place_first(nodes, {});
  nodes[2].up = false;
  enact(registers, plan_replicas(registers, nodes, {}));
  nodes[2].gone = true;
  for (int round = 0; round < 5; ++round) {
    // The primaries drop it and take their learners in.
    enact(registers, plan_replicas(registers, nodes, {}));
    for (auto& entry : registers) {
      std::erase_if(entry.in_sync, [](const auto& member) { return member.node == "n2"; });
      for (const auto& member : entry.replicas)
        if (member.node != "n2" && !holds(entry.in_sync, member.node))
          entry.in_sync.push_back(member);
    }
  }
  for (const auto& entry : registers) {
    CHECK_FALSE(holds(entry.replicas, "n2"));
    CHECK(entry.replicas.size() == 3);
  }
  CHECK(plan_replicas(registers, nodes, {}).empty());
}

TEST_CASE(
    "replica planner: whatever falls and returns, each change keeps the contract's invariants") {
  for (std::uint64_t seed = 1; seed <= (testing::sanitized ? 4 : 20); ++seed) {
    Random random(seed);
    auto nodes = nodes_of(3 + random.below(std::uint64_t{4}));
    auto registers = place_first(nodes, {});
    for (int step = 0; step < 100; ++step) {
      auto& node = nodes[random.below(std::uint64_t{nodes.size()})];
      node.up = random.chance(0.6);
      node.gone = !node.up && random.chance(0.5);
      for (const auto& swap : plan_replicas(registers, nodes, {})) {
        const auto& old = registers[swap.shard.value];
        const auto& next = swap.desired;
        CHECK(holds(old.in_sync, next.primary));
        for (const auto& member : next.in_sync) CHECK(holds(old.in_sync, member.node));
        CHECK(next.min_in_sync >= old.min_in_sync);
        CHECK(next.in_sync.size() >= std::min<std::size_t>(old.in_sync.size(), old.min_in_sync));
        CHECK(next.replicas.size() <= replication::max_shard_members);
        CHECK(holds(next.replicas, next.primary));
        registers[swap.shard.value] = next;
      }
      // The learners learn, and then nothing is left to do.
      for (int round = 0; round < 20 && !plan_replicas(registers, nodes, {}).empty(); ++round) {
        learn(registers, nodes);
        enact(registers, plan_replicas(registers, nodes, {}));
      }
      CHECK(plan_replicas(registers, nodes, {}).empty());
    }
  }
}

TEST_CASE("replica planner: who leaves is relieved by a cordoned node if there is no other") {
  auto nodes = nodes_of(3);
  auto registers = place_first(nodes, {});
  nodes[0].leaving = true;
  nodes[1].cordoned = nodes[2].cordoned = true;
  const auto swaps = plan_replicas(registers, nodes, {});
  CHECK_FALSE(swaps.empty());
  for (const auto& swap : swaps) CHECK(swap.desired.successor.node != "n0");
  nodes[1].leaving = nodes[2].leaving = true;  // all leave: to whom?
  for (const auto& swap : plan_replicas(registers, nodes, {})) CHECK_FALSE(swap.desired.moves());
}

TEST_CASE(
    "replica planner: a slow disk leads nothing that a well one can, be it of one that drains") {
  auto nodes = nodes_of(3);
  auto registers = place_first(nodes, {});
  nodes[0].slow = nodes[1].slow = true;
  nodes[2].draining = true;
  const auto swaps = plan_replicas(registers, nodes, {});
  CHECK_FALSE(swaps.empty());
  for (const auto& swap : swaps) CHECK(swap.desired.successor.node == "n2");
  nodes[2].slow = true;  // all are: nobody is better
  CHECK(plan_replicas(registers, nodes, {}).empty());
}

TEST_CASE("replica planner: copies that a slow disk does not get in sync hold up no others") {
  auto nodes = nodes_of(6);
  auto registers = place_first(nodes, {});
  nodes[0].up = false;
  enact(registers, plan_replicas(registers, nodes, {}));
  nodes[0].up = nodes[0].slow = true;  // it learns nothing: its disk is full
  nodes[1].up = false, nodes[1].gone = true;
  PlacementConfig config;
  config.copying = 1;
  std::size_t made = 0;  // where it is not urgent: two of three are there
  for (const auto& swap : plan_replicas(registers, nodes, config)) {
    const auto& before = registers[swap.shard.value];
    for (const auto& member : swap.desired.replicas)
      made += holds(before.replicas, member.node) || holds(before.replicas, "n0") ? 0 : 1;
  }
  CHECK(made > 0);
}

TEST_CASE("replica planner: a copy in sync under an older name than it has now never leads") {
  auto nodes = nodes_of(3);
  Register entry{.epoch = Epoch{5},
                 .primary = "n0",
                 .start = StartId{1},
                 .in_sync = {{"n0", 1}, {"n1", 2}, {"n2", 3}},
                 .replicas = {{"n0", 1}, {"n1", 2}, {"n2", 3}, {"n1", replication::renewed(2, 1)}},
                 .disk = 1,
                 .min_in_sync = 2};
  CHECK(plan_replicas({entry}, nodes, {}).empty());
  nodes[0].up = false;
  const auto swaps = plan_replicas({entry}, nodes, {});
  REQUIRE(swaps.size() == 1);
  CHECK(swaps[0].desired.primary == "n2");
  nodes[2].up = false;
  for (const auto& swap : plan_replicas({entry}, nodes, {})) CHECK(swap.desired.primary == "n0");
}

TEST_CASE("replica planner: a copy that was renewed leads under its new name") {
  auto nodes = nodes_of(3);
  const Member anew{"n1", replication::renewed(2, 1)};
  const Register entry{.epoch = Epoch{5},
                       .primary = "n0",
                       .start = StartId{1},
                       .in_sync = {{"n0", 1}, anew},
                       .replicas = {{"n0", 1}, anew, {"n2", 3}},
                       .disk = 1,
                       .min_in_sync = 1};
  nodes[0].up = false;
  const auto swaps = plan_replicas({entry}, nodes, {});
  REQUIRE(swaps.size() == 1);
  CHECK(swaps[0].desired.leader() == anew);
  CHECK(std::find(swaps[0].desired.in_sync.begin(), swaps[0].desired.in_sync.end(), anew) !=
        swaps[0].desired.in_sync.end());
}
