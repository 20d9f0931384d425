#include "coterie/sharding/balance_planner.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "coterie/core/random.hpp"
#include "coterie/replication/register_state.hpp"
#include "coterie/sharding/entity_hash.hpp"
#include "coterie/sharding/replica_planner.hpp"

using namespace coterie;
using namespace coterie::sharding;
using replication::Register;
using Member = replication::raft::MemberId;

namespace {

/// A cluster in which whatever is planned is done at once.
struct Cluster {
  std::vector<PlaceableNode> nodes;
  std::vector<Register> registers;
  PlacementConfig config{};
  std::size_t made = 0;
  std::size_t moved = 0, copied = 0;  ///< primaries, copies

  explicit Cluster(std::size_t count, std::vector<std::string> zones = {}) {
    for (std::size_t i = 0; i < count; ++i) add(zones.empty() ? "" : zones[i]);
    registers = place_first(nodes, config);
  }
  PlaceableNode& add(const std::string& zone = "") {
    const auto number = made++;
    nodes.push_back({.name = "n" + std::to_string(number),
                     .disk = number + 1,
                     .start = StartId{1},
                     .up = true,
                     .zone = zone});
    return nodes.back();
  }
  static bool in(const std::vector<Member>& set, const Member& member) {
    return std::find(set.begin(), set.end(), member) != set.end();
  }
  void enact(const std::vector<replication::Swap>& swaps) {
    for (const auto& swap : swaps) {
      const auto& old = registers[swap.shard.value];
      const auto& desired = swap.desired;
      CHECK(swap.expected == old.epoch);
      CHECK(desired.epoch == next(old.epoch));
      if (desired.primary == old.primary) CHECK(desired.in_sync == old.in_sync);
      CHECK(in(desired.replicas, desired.leader()));
      CHECK(desired.replicas.size() <= replication::max_shard_members);
      for (const auto& member : desired.replicas) copied += in(old.replicas, member) ? 0 : 1;
      registers[swap.shard.value] = desired;
    }
  }
  /// What primaries do: learners come in sync, who is not to have a copy goes, successors take
  /// over.
  void carry_out() {
    for (auto& entry : registers) {
      for (const auto& member : entry.replicas)
        if (!in(entry.in_sync, member) && node(member).up) entry.in_sync.push_back(member);
      std::erase_if(entry.in_sync, [&](const auto& member) { return !in(entry.replicas, member); });
      if (!entry.moves()) continue;
      REQUIRE(in(entry.in_sync, entry.successor));
      const auto successor = entry.successor;
      entry = entry.led_by(successor, StartId{1}, replication::Rule::handed_over);
      ++moved;
    }
  }
  const PlaceableNode& node(const Member& member) const {
    return *std::find_if(nodes.begin(), nodes.end(),
                         [&](const auto& n) { return n.id() == member; });
  }
  /// Rounds until nothing is left to do.
  int settle() {
    moved = copied = 0;
    for (int round = 1; round <= 400; ++round) {
      auto swaps = plan_replicas(registers, nodes, config);
      if (swaps.empty()) swaps = plan_balance(registers, nodes, config);
      std::size_t learning = 0;
      for (const auto& entry : registers) learning += entry.replicas != entry.in_sync;
      if (swaps.empty() && learning == 0) return round;
      enact(swaps);
      carry_out();
      for (auto& entry : registers) std::sort(entry.replicas.begin(), entry.replicas.end());
      for (auto& entry : registers) std::sort(entry.in_sync.begin(), entry.in_sync.end());
    }
    FAIL("the planner never comes to an end");
    return 0;
  }
  std::map<std::string, std::size_t> led() const {
    std::map<std::string, std::size_t> out;
    for (const auto& entry : registers) ++out[entry.primary];
    return out;
  }
  std::map<std::string, std::size_t> copies() const {
    std::map<std::string, std::size_t> out;
    for (const auto& entry : registers)
      for (const auto& member : entry.replicas) ++out[member.node];
    return out;
  }
  void check_even(std::size_t slack_of_copies = 1) const {
    std::size_t least = SIZE_MAX, most = 0, least_copies = SIZE_MAX, most_copies = 0;
    auto led_by = led(), copies_of = copies();
    for (const auto& n : nodes) {
      if (!n.takes()) continue;
      least = std::min(least, led_by[n.name]), most = std::max(most, led_by[n.name]);
      least_copies = std::min(least_copies, copies_of[n.name]);
      most_copies = std::max(most_copies, copies_of[n.name]);
    }
    CHECK(most - least <= 1);
    CHECK_MESSAGE(most_copies - least_copies <= slack_of_copies,
                  least_copies << " to " << most_copies);
  }
};

}  // namespace

TEST_CASE("balance planner: what is even stays as it is") {
  for (const std::size_t count : {1, 2, 3, 4, 5, 7, 11}) {
    const Cluster cluster(count);
    CHECK(plan_balance(cluster.registers, cluster.nodes, {}).empty());
  }
}

TEST_CASE(
    "balance planner: a join moves the minimum of primaries, and all of them to the new node") {
  for (std::size_t count = 1; count <= 8; ++count) {
    Cluster cluster(count);
    const auto before = cluster.registers;
    cluster.add();
    cluster.settle();
    cluster.check_even();
    CHECK(cluster.moved == shard_count / (count + 1));
    for (std::size_t s = 0; s < before.size(); ++s)
      if (cluster.registers[s].primary != before[s].primary)
        CHECK(cluster.registers[s].primary == cluster.nodes.back().name);
    // And of copies: what the new node is due.
    const auto copies = cluster.copies();
    CHECK(cluster.copied <= copies.at(cluster.nodes.back().name) + 2);
  }
}

TEST_CASE("balance planner: nothing moves while a node is down, or leaves") {
  Cluster cluster(4);
  cluster.add();
  cluster.nodes[1].up = false;
  CHECK(plan_balance(cluster.registers, cluster.nodes, {}).empty());
  cluster.nodes[1].up = cluster.nodes[1].leaving = true;
  CHECK(plan_balance(cluster.registers, cluster.nodes, {}).empty());
  cluster.nodes[1].leaving = false;
  CHECK_FALSE(plan_balance(cluster.registers, cluster.nodes, {}).empty());
}

TEST_CASE(
    "balance planner: a node that fell and returned gets its primaries back, without copying") {
  Cluster cluster(5);
  cluster.nodes[2].up = false;
  cluster.enact(plan_replicas(cluster.registers, cluster.nodes, {}));
  CHECK(cluster.led().count("n2") == 0);
  cluster.nodes[2].up = true;
  cluster.nodes[2].settled = false;
  cluster.nodes[2].arrives = true;
  CHECK(plan_balance(cluster.registers, cluster.nodes, {}).empty());  // it may fall again
  cluster.nodes[2].arrives = false;
  for (const auto& swap : plan_balance(cluster.registers, cluster.nodes, {}))
    CHECK(swap.desired.successor.node != "n2");  // it has fallen too often
  cluster.nodes[2].settled = true;
  cluster.settle();
  cluster.check_even();
  CHECK(cluster.moved == 51);
  CHECK(cluster.copied == 0);
}

TEST_CASE("balance planner: one that comes and goes keeps no drain waiting, its own neither") {
  for (const std::size_t drained : {1U, 2U}) {
    Cluster cluster(5);
    cluster.nodes[2].settled = false;
    cluster.nodes[drained].draining = true;
    cluster.settle();
    CHECK(cluster.led().count(cluster.nodes[drained].name) == 0);
    for (const auto& entry : cluster.registers)
      for (const auto& member : entry.replicas) CHECK(member.node != cluster.nodes[drained].name);
  }
}

TEST_CASE("balance planner: primaries and copies follow the weights") {
  Cluster cluster(4);
  cluster.nodes[0].weight = 3;
  cluster.settle();
  const auto led = cluster.led(), copies = cluster.copies();
  CHECK(led.at("n0") == 128);
  CHECK((led.at("n1") == 42 || led.at("n1") == 43));
  CHECK(copies.at("n0") == 256);  // due 384, and a shard has one copy on a node
  CHECK(copies.at("n1") + copies.at("n2") + copies.at("n3") == 512);
  cluster.nodes[0].weight = 1;
  cluster.settle();
  cluster.check_even();
}

TEST_CASE("balance planner: a cordoned node keeps what it has and gets nothing") {
  Cluster cluster(3);
  const auto led = cluster.led(), copies = cluster.copies();
  cluster.nodes[1].cordoned = true;
  cluster.add();
  cluster.settle();
  CHECK(cluster.led().at("n1") == led.at("n1"));
  CHECK(cluster.copies().at("n1") == copies.at("n1"));
  CHECK(cluster.led().at("n3") > 50);
}

TEST_CASE(
    "balance planner: a drained node gives away primaries and copies, if others can take them") {
  Cluster cluster(4);
  cluster.nodes[0].draining = true;
  cluster.settle();
  CHECK(cluster.led().count("n0") == 0);
  CHECK(cluster.copies().count("n0") == 0);
  for (const auto& entry : cluster.registers) CHECK(entry.replicas.size() == 3);
  cluster.check_even();
  Cluster three(3);  // nobody is there to take its copies: they stay, its primaries go
  three.nodes[0].draining = true;
  three.settle();
  CHECK(three.led().count("n0") == 0);
  CHECK(three.copies().at("n0") == 256);
}

TEST_CASE("balance planner: copies of a shard lie in different zones, whatever joins") {
  Cluster cluster(6, {"a", "a", "a", "b", "b", "c"});
  const auto spread = [&] {
    for (const auto& entry : cluster.registers) {
      std::set<std::string> zones;
      for (const auto& member : entry.replicas) zones.insert(cluster.node(member).zone);
      CHECK(zones.size() == 3);
    }
  };
  spread();
  cluster.add("c");
  cluster.settle();
  spread();
  Cluster flat(4, {"a", "a", "a", "a"});  // and a second zone comes later
  flat.add("b");
  flat.settle();
  for (const auto& entry : flat.registers) CHECK(Cluster::in(entry.replicas, {"n4", 5}));
}

TEST_CASE("balance planner: moved / minimum is 1 over a thousand random changes of membership") {
  std::size_t moved = 0, least = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Cluster cluster(3);
    cluster.config.copying = cluster.config.moves = 256;  // the same moves in fewer rounds
    for (int step = 0; step < 50; ++step) {
      const auto before = cluster.led();
      std::size_t minimum = 0;
      std::vector<std::size_t> takers;
      for (std::size_t i = 0; i < cluster.nodes.size(); ++i)
        if (cluster.nodes[i].takes()) takers.push_back(i);
      if (takers.size() <= 3 || (takers.size() < 9 && random.chance(0.5))) {
        const auto name = cluster.add().name;
        cluster.settle();
        minimum = cluster.led()[name];
      } else {  // it drains and goes
        auto& gone = cluster.nodes[takers[random.below(std::uint64_t{takers.size()})]];
        gone.draining = true;
        minimum = before.contains(gone.name) ? before.at(gone.name) : 0;
        cluster.settle();
        CHECK(cluster.led().count(gone.name) == 0);
        CHECK(cluster.copies().count(gone.name) == 0);
        const auto name = gone.name;
        std::erase_if(cluster.nodes, [&](const auto& node) { return node.name == name; });
      }
      moved += cluster.moved;
      least += minimum;
      cluster.check_even(2);
    }
  }
  MESSAGE("moved " << moved << ", minimum " << least);
  CHECK(moved == least);
}

TEST_CASE("balance planner: the first plan is even for any weights, and stays so") {
  for (const auto& weights : {std::vector<std::uint32_t>{1, 1, 4},
                              {2, 5, 5},
                              {1, 1, 1, 1, 6},
                              {0, 3, 1},
                              {7},
                              {1000, 1, 1, 1}}) {
    Cluster cluster(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) cluster.nodes[i].weight = weights[i];
    cluster.registers = place_first(cluster.nodes, cluster.config);
    CHECK(plan_balance(cluster.registers, cluster.nodes, cluster.config).empty());
  }
}

TEST_CASE("balance planner: the only node of a zone can be drained") {
  Cluster cluster(4, {"z1", "z1", "z2", "z3"});
  cluster.nodes[3].draining = true;
  cluster.settle();
  CHECK(cluster.copies().count("n3") == 0);
  CHECK(cluster.led().count("n3") == 0);
}
