/// Convergence as a property: replicas change at random, deltas are lost, doubled and reordered,
/// and whole states that are exchanged at last make all of them equal.
#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "coterie/core/random.hpp"
#include "coterie/gossip/crdt/counters.hpp"
#include "coterie/gossip/crdt/lww_register.hpp"
#include "coterie/gossip/crdt/or_map.hpp"

using namespace coterie;
using namespace coterie::gossip;

namespace {

constexpr int seeds = 200;
constexpr std::size_t replicas = 4;

Replica name(std::size_t i) { return "r" + std::to_string(i); }

/// `change(replica, its name, random)` returns a delta.
template <class T, class F>
std::vector<T> converge(std::uint64_t seed, F change) {
  Random random(seed);
  std::vector<T> all(replicas);
  std::vector<std::pair<std::size_t, T>> travelling;
  for (int step = 0; step < 60; ++step) {
    const auto who = random.below(std::uint64_t{replicas});
    const T delta = change(all[who], name(who), random);
    for (std::size_t to = 0; to < replicas; ++to)
      if (to != who && !random.chance(0.3)) {
        travelling.emplace_back(to, delta);
        if (random.chance(0.2)) travelling.emplace_back(to, delta);
      }
    random.shuffle(std::span(travelling));
    while (!travelling.empty() && random.chance(0.7)) {
      all[travelling.back().first].merge(travelling.back().second);
      travelling.pop_back();
    }
  }
  for (int round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < replicas; ++i) all[(i + 1) % replicas].merge(all[i]);
  for (auto& [to, delta] : travelling) all[to].merge(delta);  // long overdue: changes nothing
  return all;
}

template <class T>
void check_equal(const std::vector<T>& all) {
  for (std::size_t i = 1; i < all.size(); ++i) REQUIRE(all[i] == all[0]);
}

}  // namespace

TEST_CASE("crdt: counters converge to the sum of what was added") {
  for (int seed = 1; seed <= seeds; ++seed) {
    std::int64_t sum = 0;
    std::uint64_t grown = 0;
    check_equal(converge<PNCounter>(seed, [&](PNCounter& c, const Replica& self, Random& random) {
      const auto amount = static_cast<std::int64_t>(random.below(std::uint64_t{21})) - 10;
      sum += amount;
      return c.add(self, amount);
    }));
    const auto counters =
        converge<GCounter>(seed, [&](GCounter& c, const Replica& self, Random& random) {
          const auto amount = random.below(std::uint64_t{10});
          grown += amount;
          return c.add(self, amount);
        });
    check_equal(counters);
    CHECK(counters[0].value() == grown);
    const auto again =
        converge<PNCounter>(seed, [&](PNCounter& c, const Replica& self, Random& random) {
          const auto amount = static_cast<std::int64_t>(random.below(std::uint64_t{21})) - 10;
          return c.add(self, amount);
        });
    CHECK(again[0].value() == sum);
  }
}

TEST_CASE("crdt: a register converges to a last write, one that saw all others") {
  for (int seed = 1; seed <= seeds; ++seed)
    check_equal(converge<LwwRegister<int>>(
        seed, [](LwwRegister<int>& r, const Replica& self, Random& random) {
          return r.set(self, static_cast<int>(random.below(std::uint64_t{100})));
        }));
  LwwRegister<int> a, b;
  (void)a.set("z", 1);
  b.merge(a);
  (void)b.set("a", 2);
  a.merge(b);
  CHECK(a.value() == 2);
}

TEST_CASE("crdt: a set converges; an addition wins over a removal that did not see it") {
  for (int seed = 1; seed <= seeds; ++seed)
    check_equal(converge<OrSet<int>>(seed, [](OrSet<int>& s, const Replica& self, Random& random) {
      const auto item = static_cast<int>(random.below(std::uint64_t{5}));
      return random.chance(0.5) ? s.add(self, item) : s.remove(item);
    }));
  OrSet<int> a, b;
  (void)a.add("a", 1);
  b.merge(a);
  const auto removed = b.remove(1);
  const auto added = a.add("a", 1);  // concurrent
  a.merge(removed);
  b.merge(added);
  CHECK(a.contains(1));
  CHECK(a == b);
  (void)a.remove(1);
  b.merge(a);
  CHECK(b.value().empty());
  b.merge(added);  // it comes late and twice: seen, so it stays removed
  CHECK(b.value().empty());
}

TEST_CASE("crdt: a map converges, and so do the values of its keys") {
  using Map = OrMap<int, PNCounter>;
  for (int seed = 1; seed <= seeds; ++seed)
    check_equal(converge<Map>(seed, [](Map& m, const Replica& self, Random& random) {
      const auto key = static_cast<int>(random.below(std::uint64_t{4}));
      if (random.chance(0.3)) return m.remove(key);
      return m.update(self, key, [&](PNCounter& c) { return c.add(self, 1); });
    }));
  Map m;
  (void)m.update("a", 1, [](PNCounter& c) { return c.add("a", 3); });
  REQUIRE(m.find(1));
  CHECK(m.find(1)->value() == 3);
  (void)m.remove(1);
  CHECK_FALSE(m.find(1));
  CHECK(m.keys().empty());
}

TEST_CASE("crdt: a context forgets single dots once the gap before them is closed") {
  DotContext context, gapless;
  context.add({"a", 2});
  CHECK_FALSE(context.contains({"a", 1}));
  CHECK(context.contains({"a", 2}));
  context.add({"a", 1});
  for (std::uint64_t i = 1; i <= 2; ++i) gapless.add({"a", i});
  CHECK(context == gapless);
  CHECK(context.next("a") == Dot{"a", 3});
  CHECK(context.next("b") == Dot{"b", 1});
}
