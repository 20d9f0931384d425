/// What a stripe finds when it is opened: which record is whose, what is damaged, and which logs
/// may lack a record. Source: placement contract, invariant 10.
#include <deque>

#include "coterie/replication/record.hpp"
#include "lmdb_stripe.hpp"

namespace coterie::storage {
namespace {

using replication::LogState;

/// A record whose checksum fails: nothing that it says of itself is certain.
struct BadRecord {
  std::uint64_t position{};
  ShardId claimed{};
  LogIndex index{};
};
/// Records that a shard's log lacks, between two positions: some of the bad ones are them.
struct Gap {
  ShardId shard{};
  std::uint64_t after{}, before{};
  std::uint64_t missing{};
};

}  // namespace

Status LmdbStripe::Impl::load() {
  Txn txn(env.get(), 0);
  auto rc = txn.status();
  if (rc == 0) rc = mdb_dbi_open(txn.get(), "log", MDB_CREATE | MDB_INTEGERKEY, &log);
  if (rc == 0) rc = mdb_dbi_open(txn.get(), "promises", MDB_CREATE | MDB_INTEGERKEY, &promises);
  if (rc == 0) rc = load_promises(txn.get());
  if (rc == 0) rc = load_log(txn.get());
  // No position is used twice: what was damaged at one would be taken for older than a renewal.
  for (const auto& shard : shards) next_position = std::max(next_position, shard.renewed_at);
  if (rc == 0) rc = txn.commit();
  if (rc != 0) return disk_problem(rc, config.file).error;
  return Done{};
}

int LmdbStripe::Impl::load_promises(MDB_txn* txn) {
  MDB_val key{};
  MDB_val value{};
  Cursor cursor(txn, promises);
  for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
    const auto shard = load_le<std::uint64_t>(static_cast<const std::uint8_t*>(key.mv_data));
    if (shard >= stripe_shards || value.mv_size < 8) continue;
    if (shard >= shards.size()) shards.resize(shard + 1);
    const auto* at = static_cast<const std::uint8_t*>(value.mv_data);
    shards[shard].promised = Epoch{load_le<std::uint64_t>(at)};
    if (value.mv_size < 24) continue;  // never renewed
    shards[shard].renewals = load_le<std::uint64_t>(at + 8);
    shards[shard].renewed_at = load_le<std::uint64_t>(at + 16);
    if (value.mv_size < 32) continue;  // never trimmed
    shards[shard].first = load_le<std::uint64_t>(at + 24);
  }
  return cursor.at_end() ? 0 : cursor.status();
}

/// Every record is checked: what follows a damaged one in its shard's log is of no use, and a bad
/// record that fills no gap may have been the last of any log that ends before it.
int LmdbStripe::Impl::load_log(MDB_txn* txn) {
  std::vector<BadRecord> bad;
  std::vector<Gap> gaps;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;  // index and position
  for (const auto& shard : shards) seen.emplace_back(shard.first - 1, 0);
  MDB_val key{};
  MDB_val value{};
  Cursor cursor(txn, log);
  for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
    const auto position = load_le<std::uint64_t>(static_cast<const std::uint8_t*>(key.mv_data));
    const auto bytes = storage::view(value);
    next_position = position + 1;
    const bool readable = bytes.size() >= replication::record_header_bytes;
    const auto shard = readable ? replication::shard_of_record(bytes) : ShardId{};
    const auto index = readable ? replication::index_of_record(bytes) : LogIndex{};
    if (!replication::is_sound(bytes)) {
      bad.push_back({position, shard, index});
      continue;
    }
    if (shard.value >= shards.size())
      shards.resize(std::size_t{shard.value} + 1), seen.resize(shards.size());
    if (index.value < shards[shard.value].first) {  // trimmed, and not swept yet
      garbage.push_back({shard, position});
      continue;
    }
    auto& kept = shards[shard.value];
    auto& [last, at] = seen[shard.value];
    if (index.value > last + 1) gaps.push_back({shard, at, position, index.value - last - 1});
    if (index.value != last + 1) kept.state = LogState::damaged;
    last = index.value, at = position;
    (kept.state == LogState::whole ? kept.positions : kept.lost).push_back(position);
  }
  if (!cursor.at_end()) return cursor.status();
  for (const auto& record : bad) {
    const auto gap = std::find_if(gaps.begin(), gaps.end(), [&](const Gap& g) {
      return g.missing > 0 && g.after < record.position && record.position < g.before;
    });
    if (gap != gaps.end()) {
      --gap->missing;
      shards[gap->shard.value].lost.push_back(record.position);
      continue;
    }
    for (std::size_t i = 0; i < shards.size(); ++i) {
      auto& kept = shards[i];
      const auto [last, at] = seen[i];
      if (at > record.position || kept.renewed_at > record.position) continue;
      const bool its_own = record.claimed.value == i && record.index.value == last + 1;
      if (its_own) kept.lost.push_back(record.position);
      if (its_own) kept.state = LogState::damaged;
      else if (kept.state == LogState::whole) kept.state = LogState::suspect;
    }
  }
  return 0;
}

}  // namespace coterie::storage
