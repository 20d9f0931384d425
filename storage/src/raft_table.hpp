/// The Raft log of the placement registers in the node store: table "raft", keys "hard", "snapshot"
/// and "log/" with the index, big-endian. Every value ends with its CRC-32C: LMDB has none, and a
/// vote that rotted must not be taken for one. docs/JOURNAL.md has the bytes. Private to storage.
#pragma once

#include "coterie/replication/raft/effects.hpp"
#include "lmdb.hpp"

namespace coterie::storage {

/// 0 or LMDB's status.
[[nodiscard]] int save_raft(MDB_txn* txn, MDB_dbi table, const replication::raft::Persist& batch);
/// An error: a value does not check, or the log has a hole.
[[nodiscard]] Result<replication::raft::Stored> load_raft(MDB_txn* txn, MDB_dbi table,
                                                          const std::string& file);

}  // namespace coterie::storage
