/// Whose journal it is, and of which start: a file that was lost, restored alone or taken from
/// another node must not stand in for what this directory acknowledged. Source: placement contract,
/// invariant 10; docs/JOURNAL.md, "Whose it is".
#include "coterie/replication/crc32c.hpp"
#include "lmdb_stripe.hpp"

namespace coterie::storage {
namespace {

constexpr std::size_t owner_bytes = 20;  // directory (8), start (8), CRC-32C of both (4)
constexpr std::uint64_t only_key = 0;

Bytes encode(const StripeOwner& owner) {
  Bytes bytes;
  append_le(bytes, owner.directory);
  append_le(bytes, owner.start.value);
  append_le(bytes, replication::crc32c(bytes));
  return bytes;
}

int open_table(MDB_txn* txn, MDB_dbi& table) {
  return mdb_dbi_open(txn, "owner", MDB_CREATE | MDB_INTEGERKEY, &table);
}
MDB_val the_key() { return {sizeof only_key, const_cast<std::uint64_t*>(&only_key)}; }

/// Why this directory may not use it; empty: it may. `first`: nobody's yet.
std::string_view objection(const StripeOwner& owner, ByteView found, bool first) {
  if (first)
    return owner.bound == StartId{} ? ""
                                    : "is missing, or was made anew, but this directory had one";
  if (found.size() != owner_bytes ||
      load_le<std::uint32_t>(found.data() + 16) != replication::crc32c(found.first(16)))
    return "is damaged where it says whose it is";
  const StartId start{load_le<std::uint64_t>(found.data() + 8)};
  if (load_le<std::uint64_t>(found.data()) != owner.directory)
    return "belongs to another data directory";
  if (start < owner.bound) return "is an older copy than node.mdb beside it";
  if (start >= owner.start) return "is a newer copy than node.mdb beside it";
  return "";
}

}  // namespace

Status LmdbStripe::Impl::check_owner() {
  if (config.owner.directory == 0) return Done{};
  MDB_dbi table{};
  Txn txn(env.get(), 0);
  auto rc = txn.status();
  if (rc == 0) rc = open_table(txn.get(), table);
  MDB_val key = the_key();
  MDB_val value{};
  if (rc == 0) rc = mdb_get(txn.get(), table, &key, &value);
  if (rc != 0 && rc != MDB_NOTFOUND) return disk_problem(rc, config.file).error;
  const bool first = rc == MDB_NOTFOUND;
  const auto found = first ? ByteView{} : storage::view(value);
  if (const auto why = objection(config.owner, found, first); !why.empty())
    return error(Errc::configuration,
                 config.file + " " + std::string(why) +
                     "; put all files of the newest copy of this data directory back, or, if other "
                     "nodes have copies, move the directory away: this node gets them anew");
  return Done{};  // the table, if it is new, is made when there is something to note
}

Status LmdbStripe::note_start() {
  const auto bytes = encode(impl_->config.owner);
  MDB_dbi table{};
  Txn txn(impl_->env.get(), 0);
  auto rc = txn.status();
  if (rc == 0) rc = open_table(txn.get(), table);
  MDB_val key = the_key();
  MDB_val value{bytes.size(), const_cast<std::uint8_t*>(bytes.data())};
  if (rc == 0) rc = mdb_put(txn.get(), table, &key, &value, 0);
  if (rc == 0) rc = txn.commit();
  if (rc != 0) return disk_problem(rc, impl_->config.file).error;
  return Done{};
}

}  // namespace coterie::storage
