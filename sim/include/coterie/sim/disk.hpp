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
    ShardId shard{};
    LogIndex index{};
    Epoch epoch{};
    bool barrier = false;
    std::uint32_t writer{};  ///< which journal's sync it waits for
    Bytes record{};
  };
  std::vector<Stored> log{};      ///< the synced part
  std::vector<Stored> written{};  ///< not synced yet
  std::uint32_t writers = 0;      ///< journals opened so far
  std::map<ShardId, Epoch> promised{};
  StartId start{};
  ClusterId cluster{};
  std::uint64_t number{};  ///< of the data directory
  bool founder = false;
  replication::raft::Stored raft{};
  std::vector<Address> peers{};
  bool full = false;  ///< every sync fails, nothing of it is kept

  void crash(bool power_cut);
  /// From now on an append under an earlier epoch fails, those on their way included.
  void fence(ShardId shard, Epoch epoch) { promised[shard] = std::max(promised[shard], epoch); }
  /// The durable log of one shard replaces what `to` has of it, promise included.
  void copy_shard(ShardId shard, Disk& to) const;
  [[nodiscard]] Duration sync_time();

 private:
  DiskConfig config_;
  Random random_;
};

/// The Journal port on that disk. Group commit as in storage/: what arrives during a sync goes into
/// the next one.
class SimJournal final : public replication::Journal {
 public:
  using Later = std::function<void(Duration, std::function<void()>)>;
  /// `later` runs a task after a delay while this process lives; `ready` says that poll() has
  /// something.
  SimJournal(Disk& disk, Later later, std::function<void()> ready);
  void append(replication::AppendRequest request) override;
  void reset(ShardId shard, LogIndex next) override;
  void replay(std::uint64_t token, ShardId shard, LogIndex head) override;
  void recover(std::uint64_t token, std::vector<ShardId> shards) override;
  [[nodiscard]] std::vector<replication::JournalEvent> poll() override;

 private:
  void start_sync();
  void finish_sync();
  void refuse(const replication::AppendRequest& request, const char* why);

  Disk& disk_;
  Later later_;
  std::function<void()> ready_;
  std::map<ShardId, LogIndex> next_{};
  std::map<ShardId, bool> broken_{};
  std::deque<Disk::Stored> waiting_{};
  std::uint32_t writer_;
  bool syncing_ = false;
  std::vector<replication::JournalEvent> events_{};
};

}  // namespace coterie::sim
