/// A node's simulated disk: what is synced survives everything, what is only written survives a
/// kill but not a power cut. Thread-safety: one owner.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/random.hpp"
#include "coterie/replication/journal.hpp"
#include "coterie/replication/raft/types.hpp"

namespace coterie::sim {

struct DiskConfig {
  Duration sync_min = 200us;
  Duration sync_max = 5ms;
};

/// What survives the process.
class Disk {
 public:
  Disk(DiskConfig config, Random random) : config_(config), random_(random) {}

  struct Stored {
    replication::AppendRequest request{};
    std::uint32_t writer{};  ///< which journal's sync it waits for
  };
  std::map<ShardId, std::vector<Bytes>> logs{};  ///< the synced part
  std::map<ShardId, LogIndex> firsts{};          ///< of each log that was trimmed
  std::vector<Stored> written{};                 ///< not synced yet
  std::uint32_t writers = 0;                     ///< journals opened so far
  std::map<ShardId, Epoch> promised{};
  std::map<ShardId, std::uint64_t> renewals{};
  StartId start{};
  ClusterId cluster{};
  std::uint64_t number{};  ///< of the data directory
  bool founder = false;
  std::uint64_t confirmed_life{}, tried_life{};
  replication::raft::Stored raft{};
  std::vector<Address> peers{};
  std::function<void()> writing{};  ///< what the store has under way changes the disk so
  bool full = false;                ///< every sync fails, nothing of it is kept
  /// EIO: a sync fails, and nobody knows what of it was kept; until the process has ended.
  bool fails_journal = false, fails_store = false;
  Duration slow{};  ///< so long every sync takes; 0: as configured

  void crash(bool power_cut);
  /// Another disk, with nothing on it.
  void wipe();
  /// One bit of one of the shard's records is another one.
  void flip(ShardId shard, Random& random);
  [[nodiscard]] LogIndex first_of(ShardId shard) const;
  /// The index behind its newest record.
  [[nodiscard]] LogIndex end_of(ShardId shard) const;
  /// It is on the disk from now on.
  void keep(replication::AppendRequest&& request);
  /// Whether what a failed sync wrote is there all the same, which nobody knows before a restart.
  [[nodiscard]] bool kept_by_failed_sync();
  [[nodiscard]] Duration sync_time();

 private:
  DiskConfig config_;
  Random random_;
};

/// Runs a task after a delay while the process lives that asked for it.
using Later = std::function<void(Duration, std::function<void()>)>;

/// The Journal port on that disk. Group commit as in storage/: what arrives during a sync goes into
/// the next one.
class SimJournal final : public replication::Journal {
 public:
  /// `ready` says that poll() has something.
  SimJournal(Disk& disk, Later later, std::function<void()> ready);
  void append(std::vector<replication::AppendRequest> requests) override;
  void reset(ShardId shard) override;
  void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) override;
  void recover(std::uint64_t token, std::vector<ShardId> shards) override;
  void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) override;
  [[nodiscard]] std::vector<replication::JournalEvent> poll() override;

 private:
  void start_sync();
  void finish_sync();
  void fail(const replication::AppendRequest& request);
  void append_one(replication::AppendRequest request);
  void refuse(const replication::AppendRequest& request, const char* why);

  Disk& disk_;
  Later later_;
  std::function<void()> ready_;
  std::map<ShardId, LogIndex> first_{}, next_{};  ///< of what was asked for
  std::map<ShardId, Epoch> promised_{};
  std::map<ShardId, bool> broken_{};
  std::deque<Disk::Stored> waiting_{};
  std::uint32_t writer_;
  bool syncing_ = false;
  bool dead_ = false;  ///< a sync failed: no retry is safe
  std::vector<replication::JournalEvent> events_{};
};

}  // namespace coterie::sim
