#include "raft_table.hpp"

#include "coterie/replication/crc32c.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::storage {
namespace {

using namespace replication::raft;

constexpr std::string_view hard_key = "hard", snapshot_key = "snapshot", log_prefix = "log/";
constexpr std::size_t crc_bytes = 4;
constexpr std::uint32_t max_fields = 32;  // what a later version adds is passed over

Bytes log_key(Index index) {
  auto key = to_bytes(coterie::view(log_prefix));
  append_be(key, index.value);
  return key;
}

Bytes sealed(Bytes body) {
  append_le(body, replication::crc32c(body));
  return body;
}

std::optional<ByteView> opened(ByteView value) {
  if (value.size() < crc_bytes) return std::nullopt;
  const auto body = value.first(value.size() - crc_bytes);
  if (load_le<std::uint32_t>(body.data() + body.size()) != replication::crc32c(body))
    return std::nullopt;
  return body;
}

Bytes encode(const HardState& hard) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(3);
  out.unsigned_integer(hard.term.value);
  out.str(hard.vote.node);
  out.unsigned_integer(hard.vote.disk);
  return sealed(std::move(bytes));
}

Bytes encode(const Snapshot& snapshot) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(4);
  out.unsigned_integer(snapshot.index.value);
  out.unsigned_integer(snapshot.term.value);
  out.bin(replication::raft::encode(snapshot.configuration));
  out.bin(snapshot.state);
  return sealed(std::move(bytes));
}

Bytes encode(const Entry& entry) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(3);
  out.unsigned_integer(entry.term.value);
  out.unsigned_integer(static_cast<std::uint8_t>(entry.kind));
  out.bin(entry.data);
  return sealed(std::move(bytes));
}

bool decode(ByteView body, HardState& hard) {
  wire::MsgpackReader in(body);
  if (in.array(max_fields) < 3) return false;
  hard.term = Term{in.unsigned_integer()};
  hard.vote.node = in.text(255);
  hard.vote.disk = in.unsigned_integer();
  return in.ok();
}

bool decode(ByteView body, Snapshot& snapshot) {
  wire::MsgpackReader in(body);
  if (in.array(max_fields) < 4) return false;
  snapshot.index = Index{in.unsigned_integer()};
  snapshot.term = Term{in.unsigned_integer()};
  auto configuration = decode_configuration(in.bytes(max_state_bytes));
  snapshot.state = to_bytes(in.bytes(max_state_bytes));
  if (!configuration || !in.ok()) return false;
  snapshot.configuration = std::move(*configuration);
  return true;
}

bool decode(ByteView body, Entry& entry) {
  wire::MsgpackReader in(body);
  if (in.array(max_fields) < 3) return false;
  entry.term = Term{in.unsigned_integer()};
  entry.kind = static_cast<EntryKind>(
      in.unsigned_integer(static_cast<std::uint8_t>(EntryKind::configuration)));
  entry.data = to_bytes(in.bytes(max_state_bytes));
  return in.ok();
}

int put(MDB_txn* txn, MDB_dbi table, ByteView key, const Bytes& value) {
  auto k = val(key);
  auto v = val(value);
  return mdb_put(txn, table, &k, &v, 0);
}

/// Entries for which `goes` holds.
template <class Goes>
int erase(MDB_txn* txn, MDB_dbi table, Goes goes) {
  std::vector<Bytes> keys;
  {
    Cursor cursor(txn, table);
    MDB_val key{}, value{};
    for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
      const auto name = view(key);
      if (!text(name).starts_with(log_prefix) || name.size() != log_prefix.size() + 8) continue;
      if (goes(Index{load_be<std::uint64_t>(name.data() + log_prefix.size())}))
        keys.push_back(to_bytes(name));
    }
  }
  for (const auto& name : keys) {
    auto key = val(name);
    if (const auto rc = mdb_del(txn, table, &key, nullptr); rc != 0) return rc;
  }
  return 0;
}

}  // namespace

int save_raft(MDB_txn* txn, MDB_dbi table, const Persist& batch) {
  int rc = 0;
  if (batch.hard) rc = put(txn, table, coterie::view(hard_key), encode(*batch.hard));
  if (rc == 0 && batch.snapshot)
    rc = put(txn, table, coterie::view(snapshot_key), encode(*batch.snapshot));
  if (rc == 0 && (batch.snapshot || batch.from != Index{}))
    rc = erase(txn, table, [&](Index index) {
      return (batch.snapshot && index <= batch.snapshot->index) ||
             (batch.from != Index{} && index >= batch.from);
    });
  auto index = batch.from;
  for (const auto& entry : batch.entries) {
    if (rc == 0) rc = put(txn, table, log_key(index), encode(entry));
    index = next(index);
  }
  return rc;
}

Result<Stored> load_raft(MDB_txn* txn, MDB_dbi table, const std::string& file) {
  const auto damaged = [&](const std::string& what) {
    return error(
        Errc::storage,
        file + ": " + what +
            " of the placement registers is damaged. Do not start from this copy: move the "
            "data directory away and let the node join again as a new one");
  };
  Stored stored;
  std::vector<std::pair<Index, Entry>> entries;
  Cursor cursor(txn, table);
  MDB_val key{}, value{};
  for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
    const auto name = text(view(key));
    const auto body = opened(view(value));
    if (name == hard_key) {
      if (!body || !decode(*body, stored.hard)) return damaged("the vote");
    } else if (name == snapshot_key) {
      if (!body || !decode(*body, stored.snapshot)) return damaged("the snapshot");
    } else if (name.starts_with(log_prefix) && name.size() == log_prefix.size() + 8) {
      const Index index{load_be<std::uint64_t>(view(key).data() + log_prefix.size())};
      Entry entry;
      if (!body || !decode(*body, entry)) return damaged("entry " + std::to_string(index.value));
      entries.emplace_back(index, std::move(entry));
    }
  }
  if (!cursor.at_end()) return disk_problem(cursor.status(), file).error;
  // Without a snapshot this is a founder's disk: its log follows the group's first one.
  auto expected = next(stored.snapshot.index != Index{} ? stored.snapshot.index : Index{1});
  for (auto& [index, entry] : entries) {
    if (index < expected && stored.entries.empty()) continue;  // the snapshot has it
    if (index != expected) return damaged("the log has a hole: it");
    expected = next(expected);
    stored.entries.push_back(std::move(entry));
  }
  return stored;
}

}  // namespace coterie::storage
