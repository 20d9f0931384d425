#include "coterie/gossip/shared_state.hpp"

#include <doctest/doctest.h>

#include "coterie/core/random.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::gossip;

namespace {

SharedChange any_change(Random& random) {
  SharedChange change{.key = {static_cast<SharedKind>(random.below(std::uint64_t{5})), "k"},
                      .amount = static_cast<std::int64_t>(random.below(std::uint64_t{20})) - 10,
                      .remove = random.chance(0.3),
                      .item = "i" + std::to_string(random.below(std::uint64_t{4})),
                      .value = "v" + std::to_string(random.below(std::uint64_t{9}))};
  return change;
}

}  // namespace

TEST_CASE("shared state: whatever is lost, doubled or late, exchanged digests end in one state") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::vector<SharedState> all;
    for (int i = 0; i < 4; ++i) all.emplace_back("r" + std::to_string(i));
    std::vector<std::pair<std::size_t, Bytes>> travelling;
    for (int step = 0; step < 60; ++step) {
      const auto who = random.below(std::uint64_t{4});
      const auto delta = all[who].change(any_change(random));
      REQUIRE(delta.has_value());
      for (std::size_t to = 0; to < 4; ++to)
        for (int copies = random.chance(0.2) ? 2 : 1; copies > 0; --copies)
          if (to != who && !random.chance(0.3)) travelling.emplace_back(to, *delta);
      random.shuffle(std::span(travelling));
      while (!travelling.empty() && random.chance(0.6)) {
        const auto merged = all[travelling.back().first].merge(travelling.back().second);
        CHECK_FALSE(merged.malformed);
        travelling.pop_back();
      }
    }
    for (int round = 0; round < 2; ++round)  // as members exchange digests
      for (std::size_t i = 0; i < 4; ++i) {
        auto &one = all[i], &other = all[(i + 1) % 4];
        const auto differ = one.digest() - other.digest();
        CHECK_FALSE(one.merge(other.entries_in(differ)).malformed);
        CHECK_FALSE(other.merge(one.entries_in(differ)).malformed);
      }
    for (std::size_t i = 1; i < 4; ++i) {
      CHECK((all[i].digest() - all[0].digest()).none());
      for (std::uint8_t kind = 0; kind < 5; ++kind)
        REQUIRE(all[i].view({static_cast<SharedKind>(kind), "k"}) ==
                all[0].view({static_cast<SharedKind>(kind), "k"}));
    }
  }
}

TEST_CASE("shared state: golden vectors of docs/WIRE.md") {
  SharedState state("r");
  const auto hex = [&](SharedChange change) { return testing::to_hex(*state.change(change)); };
  CHECK(hex({.key = {SharedKind::grow_counter, "g"}, .amount = 5}) == "9300a16792a17205");
  CHECK(hex({.key = {SharedKind::counter, "c"}, .amount = -2}) == "9301a163929092a17202");
  CHECK(hex({.key = {SharedKind::text, "t"}, .value = "v"}) == "9302a1749301a172a176");
  CHECK(hex({.key = {SharedKind::set, "s"}, .item = "i"}) == "9303a1739392a172019092a16992a17201");
  CHECK(hex({.key = {SharedKind::map, "m"}, .item = "f", .value = "v"}) ==
        "9304a16d929392a172019092a16692a1720192a1669301a172a176");
}

TEST_CASE("shared state: what is too large or does not decode is refused and changes nothing") {
  SharedState state("r");
  CHECK_FALSE(state.change({.key = {SharedKind::text, ""}}).has_value());
  CHECK_FALSE(state.change({.key = {SharedKind::text, std::string(256, 'n')}}).has_value());
  CHECK(state.change({.key = {SharedKind::text, "t"}, .value = std::string(639, 'v')}).has_value());
  CHECK_FALSE(
      state.change({.key = {SharedKind::text, "t"}, .value = std::string(640, 'v')}).has_value());
  const auto whole = *state.change({.key = {SharedKind::set, "s"}, .item = "i"});
  SharedState other("o");
  for (std::size_t size = 1; size < whole.size(); ++size)
    CHECK(other.merge(ByteView(whole).first(size)).malformed);
  CHECK(other.merge(Bytes{0x93, 0x05, 0xa1, 'x', 0x90}).malformed);  // no such kind
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    auto noise = whole;
    noise[random.below(std::uint64_t{noise.size()})] = static_cast<std::uint8_t>(random.next());
    (void)other.merge(noise);
  }
  SharedState small("r", 64 * 1024);
  std::size_t accepted = 0;
  for (int i = 0; i < 200; ++i)
    accepted += small
                    .change({.key = {SharedKind::text, "k" + std::to_string(i)},
                             .value = std::string(600, 'v')})
                    .has_value();
  CHECK(accepted < 200);
  CHECK(accepted > 90);
  for (int i = 0; i < 200; ++i) {  // what others say has the same bound
    Bytes entry;
    append_entry(entry, {SharedKind::text, "o" + std::to_string(i)},
                 SharedRegister::from(1, "o", std::string(600, 'v')));
    accepted += small.merge(entry).changed.size();
  }
  CHECK(accepted <= 64 * 1024 / 600);
}

TEST_CASE(
    "shared state: a large value that lacks one change gets it, although both halves are over half "
    "of the bound") {
  constexpr std::size_t limit = 64 * 1024;
  SharedState one("a", limit), other("b", limit);
  const SharedKey key{SharedKind::set, "s"};
  for (int i = 0; i < 70; ++i) {
    const auto delta = one.change({.key = key, .item = std::to_string(i) + std::string(600, 'x')});
    REQUIRE(delta.has_value());
    if (i != 7) CHECK_FALSE(other.merge(*delta).over_limit);
  }
  const auto merged = other.merge(one.entries_in(one.digest() - other.digest()));
  CHECK_FALSE(merged.over_limit);
  CHECK((one.digest() - other.digest()).none());
}

TEST_CASE("shared state: a hostile number neither wraps ours around nor takes others along") {
  SharedState state("r");
  Bytes hostile = testing::from_hex("9302a17493cf7fffffffffffffffa178a178");  // time 2^63 - 1
  append(hostile, testing::from_hex("9300a16792a17205"));
  const auto merged = state.merge(hostile);
  CHECK(merged.changed.size() == 2);
  CHECK_FALSE(state.change({.key = {SharedKind::text, "t"}, .value = "v"}).has_value());
  Bytes beyond = testing::from_hex("9302a17493cf8000000000000000a178a178");
  append(beyond, testing::from_hex("9300a16792a17206"));
  const auto second = state.merge(beyond);
  CHECK(second.malformed);
  CHECK(state.view({SharedKind::grow_counter, "g"}).count == 6);
}
