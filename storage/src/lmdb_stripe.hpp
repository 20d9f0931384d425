/// The two threads behind a stripe; private to storage.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "coterie/storage/lmdb_journal.hpp"
#include "lmdb.hpp"

namespace coterie::storage {

inline constexpr std::size_t stripe_shards =
    65'536;  ///< shard ids are 16 bits; the tables grow to what is used

/// Completions of one worker, filled by the stripe's threads.
struct LmdbJournal::Port {
  std::mutex mutex{};
  std::condition_variable taken{};
  std::vector<replication::JournalEvent> events{};
  /// Records that are written: whose memory they are frees them, or two threads would contend for
  /// one heap with each of them.
  std::vector<Bytes> spent{};
  std::function<void()> wake{};
  bool stopping = false;
  void deliver(std::vector<replication::JournalEvent>&& batch, std::vector<Bytes>&& written = {}) {
    if (batch.empty()) return;
    const std::lock_guard lock(mutex);
    const bool was_empty = events.empty();
    for (auto& event : batch) events.push_back(std::move(event));
    for (auto& record : written) spent.push_back(std::move(record));
    if (was_empty && wake) wake();
  }
  /// Waits until the worker took what is there: a recovery must not pile up the whole journal.
  /// False once nobody will.
  [[nodiscard]] bool wait_taken() {
    std::unique_lock lock(mutex);
    taken.wait(lock, [&] { return events.empty() || !wake || stopping; });
    return wake && !stopping;
  }
  void stop() {
    const std::lock_guard lock(mutex);
    stopping = true;
    taken.notify_all();
  }
};

struct LmdbStripe::Impl {
  using PortPtr = std::shared_ptr<LmdbJournal::Port>;
  struct ReadJob {
    PortPtr port{};
    std::uint64_t token{};
    ShardId shard{};
    LogIndex at{};                   ///< the head of a replay, the begin of a part of the log
    bool whole = false;              ///< a replay that passes snapshots over
    std::size_t bytes = 0;           ///< not 0: a part of the log
    std::vector<ShardId> recover{};  ///< not empty: a recovery
  };
  struct WriteJob {
    PortPtr port{};
    replication::AppendRequest request{};
    bool reset = false;
    std::unique_ptr<ReadJob> then{};  ///< nothing to write: it is read what was asked for before
  };
  struct ShardState {
    std::uint64_t first = 1;                 ///< index of the oldest record
    std::vector<std::uint64_t> positions{};  ///< of record index i at [i - first]; 8 B a record
    Epoch promised{};
    bool broken = false;  ///< an append failed: everything is refused until the reset
    std::uint64_t renewals{};
    std::uint64_t renewed_at{};  ///< the position: what was damaged before concerns it no more
    replication::LogState state = replication::LogState::whole;
    std::vector<std::uint64_t> lost{};  ///< positions behind the damage; a renewal deletes them
  };

  /// What a group makes of one shard.
  struct Change {
    std::uint64_t first = 1;             ///< index of the oldest record
    std::size_t trimmed = 0;             ///< of the positions that were there, from the front;
    std::size_t kept = 0;                ///< up to here they stay
    std::vector<std::uint64_t> added{};  ///< behind them
    Epoch promised{};
    std::uint64_t batch = 0;
    std::uint64_t renewals = 0, renewed_at = 0;
    bool renews = false;
    const WriteJob* told = nullptr;  ///< where its part begins
    /// The index behind its newest record.
    [[nodiscard]] std::uint64_t end() const { return first + kept - trimmed + added.size(); }
  };
  /// One group on its way to the disk.
  struct Group {
    int status = 0;
    std::uint64_t next_position = 0;
    std::size_t records = 0, bytes = 0;
    std::size_t swept = 0;  ///< of `garbage`
    std::map<ShardId, Change> changes{};
    struct Done {
      std::vector<replication::JournalEvent> events{};
      std::vector<Bytes> spent{};
    };
    std::map<PortPtr, Done> done{};
    void tell(const WriteJob& job, replication::JournalEvent event) {
      done[job.port].events.push_back(std::move(event));
    }
  };

  ~Impl();
  [[nodiscard]] Status check_owner();
  [[nodiscard]] Status load();
  [[nodiscard]] int load_log(MDB_txn* txn);
  [[nodiscard]] int load_promises(MDB_txn* txn);
  void start();
  void write_loop();
  void take_group(std::vector<WriteJob>& group);
  void read_loop();
  void stage(const std::vector<WriteJob>& jobs, MDB_txn* txn, Group& group);
  void write(const WriteJob& job, MDB_txn* txn, Cursor& end, Group& group);
  void tell(std::vector<WriteJob>& jobs, Group& group);
  [[nodiscard]] Change& change_of(ShardId shard, Group& group);
  void trim(const replication::AppendRequest& request, MDB_txn* txn, Group& group);
  void sweep(MDB_txn* txn, Group& group);
  void begin_anew(ShardId shard, LogIndex first, Change& change, MDB_txn* txn, Group& group);
  void keep(ShardId shard, const Change& change);
  void write_state(ShardId shard, const Change& change, MDB_txn* txn, Group& group);
  void remove(std::uint64_t position, MDB_txn* txn, Group& group);
  enum class Step : std::uint8_t { here, behind, elsewhere };
  /// Of a shard's positions: as many as there were, and which one comes next.
  struct LogPart {
    std::size_t size = 0, next = 0;
  };
  [[nodiscard]] std::map<ShardId, LogPart> parts_of(const std::vector<ShardId>& asked);
  [[nodiscard]] Step step_to(ShardId shard, std::uint64_t position, LogPart& part);
  [[nodiscard]] bool all_read(ShardId shard, const LogPart& part);
  void cut(Change& change, std::size_t keep, const ShardState& shard, MDB_txn* txn, Group& group);
  void commit(std::vector<WriteJob>& jobs);
  void replay(const ReadJob& job);
  void recover(const ReadJob& job);
  void read_part(const ReadJob& job);
  [[nodiscard]] std::vector<std::uint64_t> positions_from(ShardId shard, LogIndex index);
  [[nodiscard]] Result<Bytes> record_at(MDB_txn* txn, ShardId shard, LogIndex index);
  [[nodiscard]] ShardState& state(ShardId shard) { return shards.at(shard.value); }

  StripeConfig config{};
  Env env{};
  MDB_dbi log{};
  MDB_dbi promises{};
  std::vector<ShardState> shards = std::vector<ShardState>(1024);
  std::uint64_t next_position = 1;
  struct Garbage {
    ShardId shard{};
    std::uint64_t position{};
  };
  /// What was trimmed, on its way off the disk. The writer's alone.
  std::deque<Garbage> garbage{};
  bool failed = false;  ///< the last commit: garbage alone is no reason to try again
  bool dead = false;
  Error death{};

  mutable std::mutex mutex{};  ///< guards everything below, and `shards[].positions`
  std::condition_variable write_ready{};
  std::condition_variable read_ready{};
  std::vector<WriteJob> writes{};  ///< bounded by the cores: max_unsynced_appends
  std::deque<ReadJob> reads{};     ///< bounded by the cores: one per activating entity
  PortPtr reading{};               ///< whom the reader works for; guarded by mutex
  bool stopping = false;
  StripeCounters counters{};
  std::thread writer{};
  std::thread reader{};
};

}  // namespace coterie::storage
