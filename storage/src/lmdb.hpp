/// A thin RAII layer over LMDB's C face; private to storage.
#pragma once

#include <lmdb.h>

#include <memory>
#include <string>

#include "coterie/core/bytes.hpp"
#include "coterie/core/result.hpp"

namespace coterie::storage {

struct EnvClose {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using Env = std::unique_ptr<MDB_env, EnvClose>;

/// A transaction; aborts unless committed.
class Txn {
 public:
  Txn(MDB_env* env, unsigned flags) { status_ = mdb_txn_begin(env, nullptr, flags, &txn_); }
  ~Txn() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Txn(const Txn&) = delete;
  Txn& operator=(const Txn&) = delete;
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] MDB_txn* get() const { return txn_; }
  [[nodiscard]] int commit() {
    const auto rc = mdb_txn_commit(txn_);
    txn_ = nullptr;
    return rc;
  }

 private:
  MDB_txn* txn_ = nullptr;
  int status_ = 0;
};

class Cursor {
 public:
  Cursor(MDB_txn* txn, MDB_dbi dbi) { status_ = mdb_cursor_open(txn, dbi, &cursor_); }
  ~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  [[nodiscard]] bool get(MDB_val& key, MDB_val& value, MDB_cursor_op op) {
    if (cursor_ != nullptr) status_ = mdb_cursor_get(cursor_, &key, &value, op);
    return status_ == 0;
  }
  /// Behind the last key.
  [[nodiscard]] int append(MDB_val& key, MDB_val& value) {
    return cursor_ == nullptr ? status_ : mdb_cursor_put(cursor_, &key, &value, MDB_APPEND);
  }
  /// After get() said no: whether that was the end, or the disk.
  [[nodiscard]] bool at_end() const { return status_ == MDB_NOTFOUND; }
  [[nodiscard]] int status() const { return status_; }

 private:
  MDB_cursor* cursor_ = nullptr;
  int status_ = 0;
};

[[nodiscard]] inline MDB_val val(ByteView bytes) {
  return {bytes.size(), const_cast<std::uint8_t*>(
                            bytes.data())};  // LMDB never writes through a key or a put value
}
[[nodiscard]] inline MDB_val val(std::uint64_t& number) { return {sizeof number, &number}; }
[[nodiscard]] inline ByteView view(const MDB_val& v) {
  return {static_cast<const std::uint8_t*>(v.mv_data), v.mv_size};
}

/// A single-file environment.
[[nodiscard]] Result<Env> open_env(const std::string& file, std::uint64_t map_bytes);
/// What an LMDB status means to an operator; `full` if space is what is missing.
struct DiskProblem {
  Error error{};
  bool full = false;
};
[[nodiscard]] DiskProblem disk_problem(int status, const std::string& file);

}  // namespace coterie::storage
