/// A journal stands for one data directory, and for the newest copy of it.
#include <doctest/doctest.h>
#include <lmdb.h>

#include "coterie/storage/lmdb_journal.hpp"
#include "coterie/storage/node_store.hpp"
#include "support/scratch_directory.hpp"

using namespace coterie;
using namespace coterie::storage;

namespace {

struct Owned : testing::ScratchDirectory {
  Owned() : ScratchDirectory("owner") {}
  /// What refuses it; empty: it is opened, and says so on the disk.
  std::string open(const StripeOwner& owner) const {
    const auto stripe = LmdbStripe::open({.file = file, .map_bytes = 1 << 20, .owner = owner});
    if (!stripe) return stripe.error().detail;
    if (owner.directory != 0) CHECK((*stripe)->note_start());
    return "";
  }
  std::string file = path / "journal-0.mdb";
  StripeOwner first{.directory = 7, .start = StartId{1}};
};

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos && text.find("move the directory away") < text.size();
}

}  // namespace

TEST_CASE("journal owner: its own directory opens it, start after start") {
  const Owned journal;
  CHECK(journal.open(journal.first).empty());
  CHECK(journal.open({7, StartId{2}, StartId{1}}).empty());
  // A start that ended before the directory noted it, and two that did not come so far.
  CHECK(journal.open({7, StartId{3}, StartId{1}}).empty());
  CHECK(journal.open({7, StartId{6}, StartId{3}}).empty());
}

TEST_CASE("journal owner: one of an earlier build, which noted nothing, is taken") {
  const Owned journal;
  CHECK(journal.open({}).empty());
  CHECK(journal.open({7, StartId{9}, {}}).empty());
  CHECK(says(journal.open({8, StartId{9}, {}}), "belongs to another data directory"));
}

TEST_CASE("journal owner: a file that is gone is not made anew in silence") {
  const Owned journal;
  REQUIRE(journal.open(journal.first).empty());
  std::filesystem::remove(journal.file);
  CHECK(says(journal.open({7, StartId{2}, StartId{1}}), "is missing"));
}

TEST_CASE("journal owner: an older copy, and one that is newer than the directory, are refused") {
  const Owned journal;
  REQUIRE(journal.open(journal.first).empty());
  std::filesystem::copy_file(journal.file, journal.file + ".old");
  REQUIRE(journal.open({7, StartId{2}, StartId{1}}).empty());
  CHECK(says(journal.open({7, StartId{2}, StartId{1}}), "is a newer copy than node.mdb"));
  std::filesystem::rename(journal.file + ".old", journal.file);
  CHECK(says(journal.open({7, StartId{3}, StartId{2}}), "is an older copy than node.mdb"));
}

TEST_CASE("journal owner: a flipped bit in it is seen") {
  const Owned journal;
  REQUIRE(journal.open(journal.first).empty());
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi table{};
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_maxdbs(env, 4);
  REQUIRE(mdb_env_open(env, journal.file.c_str(), MDB_NOSUBDIR, 0644) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, "owner", MDB_INTEGERKEY, &table) == 0);
  std::uint64_t zero = 0;
  MDB_val key{sizeof zero, &zero};
  MDB_val value{};
  REQUIRE(mdb_get(txn, table, &key, &value) == 0);
  // The bytes of docs/JOURNAL.md: directory, start, CRC-32C.
  const auto* const at = static_cast<const std::uint8_t*>(value.mv_data);
  Bytes bytes(at, at + value.mv_size);
  CHECK(bytes == Bytes{7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xd5, 0x2b, 0xb0, 0xde});
  bytes[8] ^= 2;
  value = {bytes.size(), bytes.data()};
  REQUIRE(mdb_put(txn, table, &key, &value, 0) == 0);
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
  CHECK(says(journal.open({7, StartId{2}, StartId{1}}), "is damaged"));
}

TEST_CASE(
    "journal owner: who is refused has started nothing, so that no number of attempts helps") {
  const testing::ScratchDirectory scratch("owner");
  const auto directory = DataDirectory::open(scratch.path.string());
  REQUIRE(directory);
  for (int attempt = 0; attempt < 3; ++attempt)
    CHECK_FALSE(NodeStore::open(*directory, "n1", [](const StoredNode& node) -> Status {
      CHECK(node.start == StartId{1});
      return error(Errc::configuration, "no");
    }));
  const auto store = NodeStore::open(*directory, "n1");
  REQUIRE(store);
  CHECK(store->stored().start == StartId{1});
}

TEST_CASE("journal owner: the directory remembers which start its journal noted") {
  const testing::ScratchDirectory scratch("owner");
  for (std::uint64_t start = 1; start <= 3; ++start) {
    const auto directory = DataDirectory::open(scratch.path.string());
    REQUIRE(directory);
    auto store = NodeStore::open(*directory, "n1");
    REQUIRE(store);
    CHECK(store->stored().journal.value == (start == 3 ? 1 : start - 1));
    if (start == 1) REQUIRE(store->save_journal());
  }
}
