/// The journal on LMDB. A stripe is one environment with one append-only table keyed by local
/// position, one thread that commits in groups (everything that arrived during the last sync goes
/// into the next one) and one that reads. Each worker talks to the stripe through a LmdbJournal of
/// its own. docs/JOURNAL.md specifies the bytes.
///
/// Durability: LMDB's default mode, fdatasync before commit returns. A full disk fails the group
/// and nothing of it is kept; it works again when space returns. Any other write error kills the
/// stripe for this process (no retry after a failed fsync). Thread-safety: a LmdbJournal belongs to
/// one worker; stripes are shared.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "coterie/core/result.hpp"
#include "coterie/replication/journal.hpp"

namespace coterie::storage {

/// The data directory that a journal is part of, and its starts: the directory counts this one, the
/// journal notes it, then the directory notes that it did (NodeStore::save_journal). Between two
/// copies of one start they do not tell.
struct StripeOwner {
  std::uint64_t directory{};  ///< its number; 0: nobody's, as in a benchmark
  StartId start{};            ///< this one
  StartId bound{};            ///< the last one that the directory knows of; 0: none yet
};

struct StripeConfig {
  std::string file{};  ///< created if absent
  std::uint64_t map_bytes = std::uint64_t{64}
                            << 30;   ///< address space, not disk: the most the file may grow to
  std::size_t group_records = 8192;  ///< most records in one commit
  std::size_t group_bytes = 16 * 1024 * 1024;  ///< most bytes in one commit
  StripeOwner owner{};
};

struct StripeCounters {
  std::uint64_t commits{}, records{}, bytes{}, failures{};
};

class LmdbStripe {
 public:
  /// Opens, syncs what is there and reads where each record lies (one pass). Refuses, as a
  /// `configuration` error, a journal that is not its owner's newest; note_start() notes the start.
  [[nodiscard]] static Result<std::shared_ptr<LmdbStripe>> open(StripeConfig config);
  /// Once, before anything is written: this start of its owner is the newest.
  [[nodiscard]] Status note_start();
  ~LmdbStripe();
  LmdbStripe(const LmdbStripe&) = delete;
  LmdbStripe& operator=(const LmdbStripe&) = delete;
  [[nodiscard]] StripeCounters counters() const;

 private:
  friend class LmdbJournal;
  struct Impl;
  explicit LmdbStripe(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class LmdbJournal final : public replication::Journal {
 public:
  /// `wake` is called on the stripe's threads when poll() has something; it must only post.
  LmdbJournal(std::shared_ptr<LmdbStripe> stripe, std::function<void()> wake);
  ~LmdbJournal() override;
  void append(std::vector<replication::AppendRequest> requests) override;
  void reset(ShardId shard) override;
  void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) override;
  void recover(std::uint64_t token, std::vector<ShardId> shards) override;
  void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) override;
  [[nodiscard]] std::vector<replication::JournalEvent> poll() override;

 private:
  struct Port;
  friend class LmdbStripe;
  std::shared_ptr<LmdbStripe> stripe_;
  std::shared_ptr<Port> port_;
};

}  // namespace coterie::storage
