#include "coterie/replication/register_state.hpp"

#include <doctest/doctest.h>

#include "coterie/core/hash.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::replication;

namespace {

Swap taken_by(std::uint16_t shard, std::uint64_t expected, const std::string& node) {
  return {ShardId{shard},
          Epoch{expected},
          {Epoch{expected + 1}, node, StartId{4}, {{node, 1}}, {{node, 1}}}};
}

}  // namespace

TEST_CASE("register state: a snapshot is the fold of its commands") {
  RegisterState state;
  (void)state.apply(RegisterState::command({taken_by(0, 0, "a"), taken_by(255, 0, "b")}, 9));
  (void)state.apply(RegisterState::command({taken_by(0, 1, "c")}, 0));
  const auto restored = RegisterState::restore(state.snapshot());
  REQUIRE(restored);
  CHECK(*restored == state);
  CHECK(restored->get(ShardId{0}).primary == "c");
  CHECK(restored->entity_types() == 9);
}

TEST_CASE("register state: the golden vectors of a command and of a snapshot's beginning") {
  auto swap = taken_by(3, 1, "a");
  swap.desired.disk = 9;
  CHECK(coterie::testing::to_hex(RegisterState::command({swap}, 9)) ==
        "9209919303019b02a161049192a161019192a16101090192a0000000a0");
  const auto snapshot = RegisterState{}.snapshot();
  CHECK(snapshot.size() == 1 + 8 + register_count * (4 + 14) + 4);
  CHECK(coterie::testing::to_hex(ByteView(snapshot).first(20)) ==
        "0200000000000000000e0000009b00a000909000");
}

TEST_CASE("register state: a snapshot from before directories had lives is read, with none") {
  RegisterState state;
  (void)state.apply(RegisterState::command({taken_by(0, 0, "a")}, 9));
  const auto snapshot = state.snapshot();
  Bytes old(snapshot.begin(), snapshot.end() - 4);
  old[0] = 1;
  CHECK(RegisterState::restore(old) == state);
  CHECK_FALSE(RegisterState::restore(ByteView(snapshot).first(snapshot.size() - 1)));
  old[0] = 3;
  CHECK_FALSE(RegisterState::restore(old));
}

TEST_CASE("register state: a start follows the one before it, or its directory is an older copy") {
  RegisterState state;
  const auto start = [&](std::uint64_t expected, std::uint64_t number, std::uint64_t disk = 9) {
    const Register desired{.epoch = Epoch{number}, .primary = "a", .disk = disk};
    const auto results =
        state.apply(RegisterState::command({{life_register, Epoch{expected}, desired}}, 0));
    REQUIRE(results.size() == 1);
    CHECK(results[0].current.leader() == raft::MemberId{"a", disk});
    return std::pair(results[0].won, results[0].current.epoch.value);
  };
  CHECK(start(UINT64_MAX, 70) == std::pair(false, std::uint64_t{0}));  // a question
  CHECK(start(0, 70) == std::pair(true, std::uint64_t{70}));
  CHECK(start(0, 71) == std::pair(false, std::uint64_t{70}));
  CHECK(start(70, 80) == std::pair(true, std::uint64_t{80}));
  CHECK(start(70, 90) == std::pair(false, std::uint64_t{80}));
  CHECK(start(80, 0) == std::pair(false, std::uint64_t{80}));
  CHECK(start(0, 5, 10) == std::pair(true, std::uint64_t{5}));  // another directory
  CHECK(RegisterState::restore(state.snapshot()) == state);
}

TEST_CASE("register state: of too many directories one without any copy makes room") {
  RegisterState state;
  const auto start = [&](std::uint64_t disk) {
    const Register desired{.epoch = Epoch{1}, .primary = "a", .disk = disk};
    return state.apply(RegisterState::command({{life_register, Epoch{}, desired}}, 0))[0].won;
  };
  auto swap = taken_by(0, 0, "a");
  swap.desired.replicas = {{"a", 1}};
  (void)state.apply(RegisterState::command({swap}, 0));
  swap = taken_by(1, 0, "a");
  swap.desired.replicas = {{"a", 1}};
  swap.desired.in_sync = {{"a", 2}};  // no replica any more, and yet in sync
  (void)state.apply(RegisterState::command({swap}, 0));
  for (std::uint64_t disk = 1; disk <= max_lives; ++disk) CHECK(start(disk));
  CHECK(start(max_lives + 1));
  CHECK_FALSE(start(1));  // still known: it has a copy
  CHECK_FALSE(start(2));
  CHECK(start(3));  // forgotten, and so new
}

TEST_CASE("register state: a register from before disks had numbers is read, of no disk") {
  const auto old = decode_register(coterie::testing::from_hex("9502a1610491a16191a161"));
  REQUIRE(old);
  CHECK(*old == Register{Epoch{2}, "a", StartId{4}, {{"a", 0}}, {{"a", 0}}, 0});
}

TEST_CASE("register state: a register from before logs were replicated has its one copy's disk") {
  const auto old = decode_register(coterie::testing::from_hex("9602a1610491a16191a16107"));
  REQUIRE(old);
  CHECK(*old == Register{Epoch{2}, "a", StartId{4}, {{"a", 7}}, {{"a", 7}}, 7, 1});
}

TEST_CASE("register state: a register from before planned moves is read, and moves nowhere") {
  const auto old =
      decode_register(coterie::testing::from_hex("9702a161049192a161019192a161010901"));
  REQUIRE(old);
  CHECK(*old == Register{Epoch{2}, "a", StartId{4}, {{"a", 1}}, {{"a", 1}}, 9, 1});
  CHECK_FALSE(old->moves());
}

TEST_CASE("register state: who leads by a planned move is known together with whom it took from") {
  const Register before{.epoch = Epoch{4}, .primary = "a", .disk = 1, .successor = {"b", 2}};
  const auto after = before.led_by({"b", 2}, StartId{7}, Rule::handed_over);
  CHECK(after.epoch == Epoch{5});
  CHECK(after.leader() == raft::MemberId{"b", 2});
  CHECK(after.before == "a");
  CHECK(after.rule_epoch == Epoch{5});
  CHECK_FALSE(after.moves());
  const auto again = before.led_by({"a", 1}, StartId{9}, Rule::restarted);
  CHECK(again.moves());  // a restart changes nobody's mind
  Bytes bytes;
  append_register(bytes, after);
  CHECK(decode_register(bytes) == after);
}

TEST_CASE("register state: what does not decode changes nothing, and a cut snapshot is none") {
  RegisterState state;
  CHECK(state.apply(Bytes{1, 2, 3}).empty());
  CHECK(state == RegisterState{});
  const auto whole = state.snapshot();
  for (std::size_t size = 0; size < whole.size(); size += 7)
    CHECK_FALSE(RegisterState::restore(ByteView(whole).first(size)));
  auto other = whole;
  other[0] = 3;
  CHECK_FALSE(RegisterState::restore(other));
}

TEST_CASE("register state: registers of format 1, fewer than there are shards, are taken over") {
  const RegisterState state(5, {Register{.epoch = Epoch{3}, .primary = "a"}});
  CHECK(state.get(ShardId{0}).primary == "a");
  CHECK(state.get(ShardId{255}) == Register{});
  CHECK(state.entity_types() == 5);
}
