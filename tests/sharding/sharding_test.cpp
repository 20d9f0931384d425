#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "coterie/core/random.hpp"
#include "coterie/sharding/entity_store.hpp"
#include "coterie/sharding/planner.hpp"
#include "coterie/sharding/shard_table.hpp"

using namespace coterie;
using namespace coterie::sharding;

TEST_CASE("entity hash: golden vectors of XXH3, a promise for ever") {
  CHECK(entity_hash("") == 0x2d06800538d394c2ULL);
  CHECK(shard_of(entity_hash("")) == ShardId{0x2d});
  CHECK(entity_hash("alice") == entity_hash("alice"));
  CHECK(entity_hash("alice") != entity_hash("bob"));
}

TEST_CASE("planner: shares follow the weights, the largest remainder first, none above the most") {
  CHECK(shares(256, {1, 1, 1}, {0, 0, 0}, 256) == std::vector<std::size_t>{86, 85, 85});
  CHECK(shares(256, {1, 1, 1}, {0, 9, 0}, 256) == std::vector<std::size_t>{85, 86, 85});
  CHECK(shares(100, {3, 1, 0}, {0, 0, 50}, 100) == std::vector<std::size_t>{75, 25, 0});
  // The first is due 600 of 768 and can have 256: the others share the rest.
  CHECK(shares(768, {10, 1, 1}, {0, 0, 0}, 256) == std::vector<std::size_t>{256, 256, 256});
  CHECK(shares(300, {10, 1, 1}, {0, 0, 0}, 256) == std::vector<std::size_t>{250, 25, 25});
  CHECK(shares(0, {1, 1}, {0, 0}, 1) == std::vector<std::size_t>{0, 0});
  CHECK(shares(7, {0, 0}, {0, 0}, 7) == std::vector<std::size_t>{0, 0});
}

TEST_CASE("planner: first placement is balanced to one shard for every number of nodes") {
  for (std::size_t n = 1; n <= 20; ++n) {
    std::vector<PlaceableNode> nodes;
    for (std::size_t i = 0; i < n; ++i)
      nodes.push_back({.name = "node-" + std::to_string(i), .up = true});
    nodes.push_back({.name = "down"});
    std::vector<std::size_t> load(n + 1);
    for (const auto owner : first_owners(shard_count, nodes)) ++load[owner];
    CHECK(load.back() == 0);
    load.pop_back();
    const auto [least, most] = std::minmax_element(load.begin(), load.end());
    CHECK(*most - *least <= 1);
  }
}

TEST_CASE("shard table: merging takes the highest epoch in any order, any number of times") {
  ShardTable a, b;
  a.registers[1] = {Epoch{2}, "x", StartId{1}, {{"x", 1}}, {{"x", 1}}, 1};
  b.registers[1] = {Epoch{3}, "y", StartId{1}, {{"y", 1}}, {{"y", 1}}, 1};
  b.registers[2] = {Epoch{1}, "z", StartId{1}, {{"z", 1}}, {{"z", 1}}, 1};
  b.entity_types = 9;
  auto ab = a;
  CHECK(ab.merge(b));
  CHECK_FALSE(ab.merge(b));
  auto ba = b;
  CHECK_FALSE(ba.merge(a));
  CHECK(ab == ba);
  const auto bytes = encode(ab);
  CHECK(decode_shard_table(bytes) == ab);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_shard_table(ByteView(bytes).first(size)).has_value());
}

TEST_CASE("flat index: behaves as a multimap under a million random operations") {
  FlatIndex index;
  std::map<std::uint32_t, std::uint64_t> model;
  Random random(11);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<std::uint32_t>(random.below(std::uint64_t{2000}));
    const auto found = model.find(value);
    if (found == model.end()) {
      const auto hash =
          random.below(std::uint64_t{500}) * 0x9e3779b97f4a7c15ULL;  // many collisions
      model[value] = hash;
      index.insert(hash, value);
    } else if (random.chance(0.5)) {
      index.erase(found->second, value);
      model.erase(found);
    } else {
      CHECK(index.find(found->second, [&](std::uint32_t v) { return v == value; }) == value);
    }
  }
  CHECK(index.size() == model.size());
}

namespace {
CommandId id_of(std::string_view text) {
  return sharding::command_id(EntityTypeId{1}, "alice", text);
}
}  // namespace

TEST_CASE("command id: one text names another command of another entity or type") {
  const auto id = command_id(EntityTypeId{1}, "alice", "7");
  CHECK(id == command_id(EntityTypeId{1}, "alice", "7"));
  CHECK(id != command_id(EntityTypeId{2}, "alice", "7"));
  CHECK(id != command_id(EntityTypeId{1}, "bob", "7"));
  CHECK(id != command_id(EntityTypeId{1}, "alic", "e7"));
}

TEST_CASE(
    "command id: text that ends with a UUIDv7 carries its time, any other text carries none") {
  // The example of RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC.
  CHECK(id_of("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").time_ms() == 1645557742000);
  CHECK(id_of("deposit/alice/017f22e2-79b0-7cc3-98c4-dc0c0c07398f").time_ms() == 1645557742000);
  CHECK(id_of("017f22e2-79b0-4cc3-98c4-dc0c0c07398f").time_ms() == 0);  // version 4
  CHECK(id_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398").time_ms() == 0);   // a digit short
  CHECK(id_of("017f22e2-79b0-7cc3-98c4-dc0c0c07398g").time_ms() == 0);
  CHECK(id_of("017f22e2279b0-7cc3-98c4-dc0c0c07398f").time_ms() == 0);
  for (int i = 0; i < 100; ++i) CHECK(id_of(std::to_string(i)).time_ms() == 0);
  CHECK(id_of("a/017f22e2-79b0-7cc3-98c4-dc0c0c07398f") !=
        id_of("b/017f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
}
