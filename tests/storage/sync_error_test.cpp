/// A disk that says EIO when it is to sync: this program's fdatasync stands before the C library's,
/// so that the real LMDB meets it.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "../conformance/journal_worlds.hpp"

namespace {

std::atomic<bool> sync_fails = false;

}  // namespace

extern "C" int fdatasync(int file) {
  if (sync_fails) return errno = EIO, -1;
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

using namespace coterie;
using namespace coterie::replication;

namespace {

AppendRequest append_of(std::uint64_t index) {
  AppendRequest request{.shard = ShardId{1},
                        .epoch = Epoch{1},
                        .index = LogIndex{index},
                        .batch = index,
                        .record = {}};
  (void)append_record(
      request.record,
      {.shard = ShardId{1}, .epoch = Epoch{1}, .index = LogIndex{index}, .entity = view("e")}, 0);
  return request;
}

}  // namespace

TEST_CASE("journal: an EIO at fsync is no acknowledgement, and ends the stripe for this process") {
  LmdbWorld world;
  world.append(append_of(1));
  CHECK(world.next_event<Appended>().batch == 1);
  sync_fails = true;
  world.append(append_of(2));
  const auto failed = world.next_event<AppendFailed>();
  sync_fails = false;
  CHECK(failed.fatal);
  CHECK(failed.error.code == Errc::storage);
  world.journal().reset(ShardId{1});
  world.append(
      append_of(2));  // the disk is well again; whether the failed write is there nobody knows
  CHECK(world.next_event<AppendFailed>().fatal);
}
