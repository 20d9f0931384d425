#include "lmdb.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

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

constexpr const char* damaged_remedy =
    "if other nodes have copies, move the data directory away, and this node gets them anew; if "
    "not, restore it from a good copy";

/// LMDB found a page that it cannot go on with, and would abort without a word about the file.
void on_assert(MDB_env* env, const char* what) {
  const char* file = "";
  (void)mdb_env_get_path(env, &file);
  std::fprintf(stderr, "coterie: %s: the file is damaged (%s): %s\n", file, what, damaged_remedy);
  std::abort();
}

/// A file that was cut is made as long as its newest page table says, or reading it would end the
/// process with SIGBUS: as zeros its pages are seen to be none. (LMDB itself leaves out what no
/// page points to, so a shorter file alone is no damage.)
int fill_up(MDB_env* env, const std::string& file) {
  MDB_envinfo info{};
  MDB_stat stat{};
  if (const auto rc = mdb_env_info(env, &info); rc != 0) return rc;
  if (const auto rc = mdb_env_stat(env, &stat); rc != 0) return rc;
  const auto wanted = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
  struct ::stat found {};
  if (::stat(file.c_str(), &found) != 0) return errno;
  if (static_cast<std::uint64_t>(found.st_size) >= wanted) return 0;
  return ::truncate(file.c_str(), static_cast<off_t>(wanted)) == 0 ? 0 : errno;
}

}  // namespace

Result<Env> open_env(const std::string& file, std::uint64_t map_bytes) {
  MDB_env* raw = nullptr;
  if (const auto rc = mdb_env_create(&raw); rc != 0) return disk_problem(rc, file).error;
  Env env(raw);
  mdb_env_set_maxdbs(raw, max_tables);
  mdb_env_set_mapsize(raw, map_bytes);
  mdb_env_set_assert(raw, on_assert);
  const auto rc = mdb_env_open(raw, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS, 0644);
  if (rc != 0) return disk_problem(rc, file).error;
  if (const auto filled = fill_up(raw, file); filled != 0) return disk_problem(filled, file).error;
  // A start syncs before it acknowledges what it read: an earlier process may have died between
  // write and sync.
  if (const auto synced = mdb_env_sync(raw, 1); synced != 0)
    return disk_problem(synced, file).error;
  return env;
}

DiskProblem disk_problem(int status, const std::string& file) {
  const bool full = status == ENOSPC || status == EDQUOT || status == MDB_MAP_FULL ||
                    (status == EIO && disk_is_full(file));
  const bool damaged = status == MDB_CORRUPTED || status == MDB_PAGE_NOTFOUND ||
                       status == MDB_INVALID || status == MDB_BAD_TXN;
  const std::string cause =
      status == MDB_MAP_FULL ? "the journal's map is full: raise journal_map_bytes"
      : full                 ? "the disk is full: free some space"
      : damaged
          ? std::string("the file is damaged (") + mdb_strerror(status) + "): " + damaged_remedy
          : mdb_strerror(status);
  return {error(Errc::storage, file + ": " + cause,
                full ? std::optional<Duration>(500ms) : std::nullopt),
          full};
}

}  // namespace coterie::storage
