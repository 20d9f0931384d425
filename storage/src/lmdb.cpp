#include "lmdb.hpp"

#include <sys/statvfs.h>

#include <cerrno>

namespace coterie::storage {
namespace {

constexpr unsigned max_tables = 4;
constexpr std::uint64_t nearly_full =
    16 * 1024 * 1024;  // LMDB turns a short write into EIO; below this it means "full"

bool disk_is_full(const std::string& file) {
  struct statvfs space {};
  return statvfs(file.c_str(), &space) == 0 &&
         std::uint64_t{space.f_bavail} * space.f_frsize < nearly_full;
}

}  // namespace

Result<Env> open_env(const std::string& file, std::uint64_t map_bytes) {
  MDB_env* raw = nullptr;
  if (const auto rc = mdb_env_create(&raw); rc != 0) return disk_problem(rc, file).error;
  Env env(raw);
  mdb_env_set_maxdbs(raw, max_tables);
  mdb_env_set_mapsize(raw, map_bytes);
  const auto rc = mdb_env_open(raw, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0644);
  if (rc != 0) return disk_problem(rc, file).error;
  // A start syncs before it acknowledges what it read: an earlier process may have died between
  // write and sync.
  if (const auto synced = mdb_env_sync(raw, 1); synced != 0)
    return disk_problem(synced, file).error;
  return env;
}

DiskProblem disk_problem(int status, const std::string& file) {
  const bool full = status == ENOSPC || status == EDQUOT || status == MDB_MAP_FULL ||
                    (status == EIO && disk_is_full(file));
  const std::string cause = status == MDB_MAP_FULL
                                ? "the journal's map is full: raise journal_map_bytes"
                            : full ? "the disk is full: free some space"
                                   : mdb_strerror(status);
  return {error(Errc::storage, file + ": " + cause,
                full ? std::optional<Duration>(500ms) : std::nullopt),
          full};
}

}  // namespace coterie::storage
