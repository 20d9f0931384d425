#include "coterie/storage/node_store.hpp"

#include <doctest/doctest.h>
#include <lmdb.h>

#include "coterie/replication/raft/stored.hpp"
#include "support/scratch_directory.hpp"

using namespace coterie;
using namespace coterie::storage;
using namespace coterie::replication::raft;

namespace {

struct Directory : testing::ScratchDirectory {
  Directory() : ScratchDirectory("store") {}
  [[nodiscard]] Result<NodeStore> open() {
    store.reset();
    directory.reset();
    directory.emplace(std::move(DataDirectory::open(path.string()).value()));
    return NodeStore::open(*directory, "n1");
  }
  void reopen() { store.emplace(std::move(open().value())); }
  std::optional<DataDirectory> directory{};
  std::optional<NodeStore> store{};
};

/// Writes or changes a value as another program, or a bad disk, would.
void put(const std::filesystem::path& file, const char* table, const std::string& key,
         const Bytes& value) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi{};
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_maxdbs(env, 8);
  REQUIRE(mdb_env_open(env, file.c_str(), MDB_NOSUBDIR, 0644) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, table, MDB_CREATE, &dbi) == 0);
  MDB_val k{key.size(), const_cast<char*>(key.data())};
  MDB_val v{value.size(), const_cast<std::uint8_t*>(value.data())};
  REQUIRE(mdb_put(txn, dbi, &k, &v, 0) == 0);
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
}

Entry command(std::uint64_t term, std::uint8_t what) {
  return {Term{term}, EntryKind::command, {what}};
}
const MemberId me{"n1", 7};

bool same(const Stored& a, const Stored& b) {
  return a.hard == b.hard && a.snapshot == b.snapshot && a.entries == b.entries;
}

}  // namespace

TEST_CASE("node store: what Raft persisted is what it finds again, batch for batch") {
  Directory disk;
  disk.reopen();
  Stored expected;
  const std::vector<Persist> batches{
      {.batch = 1, .snapshot = Snapshot{Index{1}, Term{1}, {{me}, {}}, {9, 9}}},
      {.batch = 2, .hard = HardState{Term{2}, me}, .from = Index{2}, .entries = {command(2, 1)}},
      {.batch = 3, .from = Index{3}, .entries = {command(2, 2), command(2, 3), command(2, 4)}},
      {.batch = 4, .hard = HardState{Term{3}, {}}, .from = Index{4}, .entries = {command(3, 5)}},
      {.batch = 5, .snapshot = Snapshot{Index{3}, Term{2}, {{me}, {{"n2", 8}}}, {8}}},
      {.batch = 6, .from = Index{5}},
      {.batch = 7, .snapshot = Snapshot{Index{9}, Term{3}, {{me}, {}}, {7}}, .from = Index{10}},
  };
  for (const auto& batch : batches) {
    REQUIRE(disk.store->save_raft(batch));
    write(expected, batch);
    disk.reopen();
    INFO("batch " << batch.batch);
    CHECK(same(disk.store->stored().raft, expected));
  }
}

TEST_CASE(
    "node store: a founder's log follows the group's first snapshot, which it does not store") {
  Directory disk;
  disk.reopen();
  REQUIRE(disk.store->save_raft({.batch = 1, .from = Index{2}, .entries = {command(2, 1)}}));
  disk.reopen();
  CHECK(disk.store->stored().raft.entries == std::vector{command(2, 1)});
  CHECK(disk.store->stored().raft.snapshot.index == Index{0});
}

TEST_CASE("node store: a vote, a snapshot or an entry that rotted is refused, not believed") {
  const std::string entry("log/\0\0\0\0\0\0\0\2", 12);
  for (const auto& key : {std::string("hard"), std::string("snapshot"), entry}) {
    Directory disk;
    disk.reopen();
    REQUIRE(disk.store->save_raft({.batch = 1,
                                   .hard = HardState{Term{2}, me},
                                   .from = Index{2},
                                   .entries = {command(2, 1), command(2, 2)}}));
    disk.store.reset();
    put(disk.path / "node.mdb", "raft", key, {1, 2, 3, 4, 5, 6, 7, 8});
    const auto opened = disk.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().detail.find("damaged") != std::string::npos);
  }
}

TEST_CASE("node store: a hole in the log is refused") {
  Directory disk;
  disk.reopen();
  REQUIRE(disk.store->save_raft({.batch = 1, .from = Index{4}, .entries = {command(2, 1)}}));
  CHECK_FALSE(disk.open());
}

TEST_CASE("node store: the registers of a directory from before Raft are still read") {
  Directory disk;
  disk.reopen();
  REQUIRE(disk.store->save_identity({1, 2}, true));
  disk.store.reset();
  Bytes entry;
  const replication::Register old{Epoch{3}, "n1", StartId{1}, {{"n1", 0}}, {{"n1", 0}}};
  replication::append_register(entry, old);
  put(disk.path / "node.mdb", "node", "shard/5", entry);
  disk.reopen();
  CHECK(disk.store->stored().founder);
  CHECK(disk.store->stored().registers.at(5) == old);
}

TEST_CASE("node store: which start the registers confirmed, and which was tried, survive") {
  Directory directory;
  directory.reopen();
  CHECK(directory.store->stored().confirmed_life == 0);
  REQUIRE(directory.store->save_life(7, UINT64_MAX));
  directory.reopen();
  CHECK(directory.store->stored().confirmed_life == 7);
  CHECK(directory.store->stored().tried_life == UINT64_MAX);
}
