/// What a stripe says of records that the disk changed: whose they were, and which logs may lack
/// one.
#include <lmdb.h>

#include "../conformance/journal_worlds.hpp"

using namespace coterie;
using namespace coterie::replication;

namespace {

constexpr std::size_t shard_byte = 22, reply_byte = record_header_bytes;

/// Records of shards 1 and 2 in turn, three each: positions 1 to 6. Shard 3 has none.
struct Stripe : LmdbWorld {
  Stripe() {
    std::uint64_t chains[3] = {};
    for (std::uint64_t i = 1; i <= 3; ++i)
      for (std::uint16_t shard = 1; shard <= 2; ++shard) {
        AppendRequest request{.shard = ShardId{shard},
                              .epoch = Epoch{1},
                              .index = LogIndex{i},
                              .batch = i,
                              .record = {}};
        chains[shard] = append_record(
            request.record,
            {.shard = ShardId{shard}, .epoch = Epoch{1}, .index = LogIndex{i}, .entity = view("e")},
            chains[shard]);
        append(std::move(request));
        CHECK(next_event<Appended>().batch == i);
      }
  }
  /// As another program, or a bad disk, would: while nobody has it open.
  void change(std::uint64_t position, const std::function<void(Bytes&)>& how) {
    lmdb.reset();
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    MDB_dbi log{};
    REQUIRE(mdb_env_create(&env) == 0);
    mdb_env_set_maxdbs(env, 4);
    REQUIRE(mdb_env_open(env, (directory / "journal.mdb").c_str(), MDB_NOSUBDIR, 0644) == 0);
    REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
    REQUIRE(mdb_dbi_open(txn, "log", MDB_INTEGERKEY, &log) == 0);
    MDB_val key{sizeof position, &position};
    MDB_val value{};
    REQUIRE(mdb_get(txn, log, &key, &value) == 0);
    const auto* at = static_cast<const std::uint8_t*>(value.mv_data);
    Bytes bytes(at, at + value.mv_size);
    how(bytes);
    value = {bytes.size(), bytes.data()};
    REQUIRE(mdb_put(txn, log, &key, &value, 0) == 0);
    REQUIRE(mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
    open();
  }
  void flip(std::uint64_t position, std::size_t byte) {
    change(position, [&](Bytes& bytes) { bytes.at(byte) ^= 1; });
  }
  /// How many records each of the shards 1, 2 and 3 has, and what is known of their logs.
  std::vector<std::pair<std::size_t, LogState>> recover() {
    journal().recover(9, {ShardId{1}, ShardId{2}, ShardId{3}});
    std::vector<std::pair<std::size_t, LogState>> out(3);
    for (;;) {
      const auto event = any_event();
      if (const auto* part = std::get_if<Recovered>(&event))
        for (std::size_t i = 0; i < part->of.size(); ++i)
          if (is_sound(part->records[i])) ++out.at(part->of[i].value - 1U).first;
      if (const auto* end = std::get_if<RecoveryFinished>(&event)) {
        for (std::size_t i = 0; i < 3; ++i) out[i].second = end->logs.at(i).state;
        return out;
      }
    }
  }
  void renew(std::uint16_t shard, std::uint64_t from) {
    append({.shard = ShardId{shard},
            .epoch = Epoch{1},
            .index = LogIndex{from},
            .replaces = true,
            .batch = 99,
            .record = {},
            .renewal = 1});
    CHECK(next_event<Appended>().batch == 99);
  }
};

using Found = std::vector<std::pair<std::size_t, LogState>>;
constexpr auto whole = LogState::whole, suspect = LogState::suspect, damaged = LogState::damaged;

}  // namespace

TEST_CASE("damage: a sound stripe has whole logs") {
  Stripe stripe;
  CHECK(stripe.recover() == Found{{3, whole}, {3, whole}, {0, whole}});
}

TEST_CASE("damage: of a record in the middle the log says whose it was, and no other one suffers") {
  Stripe stripe;
  stripe.flip(3, reply_byte);  // shard 1, record 2
  CHECK(stripe.recover() == Found{{1, damaged}, {3, whole}, {0, whole}});
}

TEST_CASE("damage: it does not matter which byte of a record in the middle is another one") {
  Stripe stripe;
  stripe.flip(3, shard_byte);
  CHECK(stripe.recover() == Found{{1, damaged}, {3, whole}, {0, whole}});
}

TEST_CASE("damage: every log that ends before a damaged last record may lack it") {
  Stripe stripe;
  stripe.flip(5, reply_byte);  // the last one of shard 1; shard 2 has one behind it
  CHECK(stripe.recover() == Found{{2, damaged}, {3, whole}, {0, suspect}});
}

TEST_CASE("damage: a damaged last record that names nobody puts no log in the wrong") {
  Stripe stripe;
  stripe.change(6, [](Bytes& bytes) { bytes.assign(10, 0); });
  CHECK(stripe.recover() == Found{{3, suspect}, {2, suspect}, {0, suspect}});
}

TEST_CASE("damage: a renewal removes what is damaged, and the shard goes on") {
  Stripe stripe;
  stripe.flip(3, reply_byte);
  (void)stripe.recover();
  stripe.renew(1, 2);
  CHECK(stripe.recover() == Found{{1, whole}, {3, whole}, {0, whole}});
  stripe.reopen();
  CHECK(stripe.recover() == Found{{1, whole}, {3, whole}, {0, whole}});
}

TEST_CASE("damage: what nobody owns concerns no log that was renewed since then") {
  Stripe stripe;
  stripe.change(6, [](Bytes& bytes) { bytes.assign(10, 0); });
  (void)stripe.recover();
  stripe.renew(1, 4);
  stripe.renew(2, 3);
  stripe.reopen();
  CHECK(stripe.recover() == Found{{3, whole}, {2, whole}, {0, suspect}});
}
