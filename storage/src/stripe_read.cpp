/// What a stripe reads for its workers, on a thread of its own: one entity's records, a part of a
/// log, all logs of a recovery.
#include <algorithm>
#include <map>
#include <tuple>

#include "coterie/replication/record.hpp"
#include "lmdb_stripe.hpp"

namespace coterie::storage {

using replication::JournalEvent;

namespace {

constexpr std::size_t previous_offset = 56;     // in a record: docs/JOURNAL.md
constexpr std::size_t log_part_records = 4096;  // of one part of a log, as in one message
constexpr std::size_t recovery_part =
    1024;  // records handed over at once: bounds the memory of a recovery

}  // namespace

void LmdbStripe::Impl::read_loop() {
  while (true) {
    ReadJob job;
    {
      std::unique_lock lock(mutex);
      read_ready.wait(lock, [&] { return stopping || !reads.empty(); });
      if (stopping) return;
      job = std::move(reads.front());
      reads.pop_front();
      reading = job.port;
    }
    if (!job.recover.empty()) recover(job);
    else if (job.bytes > 0) read_part(job);
    else replay(job);
  }
}

/// Empty: the shard's log has no such record, or has it no more.
Result<Bytes> LmdbStripe::Impl::record_at(MDB_txn* txn, ShardId shard, LogIndex index) {
  std::uint64_t position = 0;
  {
    const std::lock_guard lock(mutex);
    const auto& [first, positions] = std::tie(state(shard).first, state(shard).positions);
    if (index.value < first || index.value >= first + positions.size()) return Bytes{};
    position = positions[index.value - first];
  }
  auto key = val(position);
  MDB_val value{};
  const auto rc = mdb_get(txn, log, &key, &value);
  if (rc == 0 && value.mv_size >= replication::record_header_bytes)
    return to_bytes(storage::view(value));
  return error(Errc::storage, config.file + ": record " + std::to_string(index.value) +
                                  " of shard " + std::to_string(shard.value) +
                                  " cannot be read: " + mdb_strerror(rc));
}

/// Follows the records of one entity from its newest to its first.
void LmdbStripe::Impl::replay(const ReadJob& job) {
  replication::Replayed result{.token = job.token};
  Txn txn(env.get(), MDB_RDONLY);
  for (auto index = job.at; index != LogIndex{};) {
    auto record = record_at(txn.get(), job.shard, index);
    if (!record || record->empty()) {
      result.error = record ? error(Errc::storage, config.file + ": there is no record " +
                                                       std::to_string(index.value) + " of shard " +
                                                       std::to_string(job.shard.value))
                            : record.error();
      break;
    }
    const auto previous = LogIndex{load_le<std::uint64_t>(record->data() + previous_offset)};
    result.records.push_back(std::move(*record));
    if (previous >= index) {
      result.error =
          error(Errc::storage, config.file + ": a record points forward; restore the file");
      break;
    }
    if (!job.whole && replication::is_snapshot(result.records.back())) break;
    index = previous;
  }
  std::reverse(result.records.begin(), result.records.end());
  std::vector<JournalEvent> events;
  events.emplace_back(std::move(result));
  job.port->deliver(std::move(events));
}

std::vector<std::uint64_t> LmdbStripe::Impl::positions_from(ShardId shard, LogIndex index) {
  const std::lock_guard lock(mutex);
  const auto& [oldest, all] = std::tie(state(shard).first, state(shard).positions);
  if (index.value < oldest && oldest > 1) return {};  // it was trimmed
  const auto first =
      std::min<std::uint64_t>(index.value == 0 ? 0 : index.value - oldest, all.size());
  const auto count = std::min<std::uint64_t>(all.size() - first, log_part_records);
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

void LmdbStripe::Impl::read_part(const ReadJob& job) {
  replication::LogRead result{.token = job.token, .records = {}, .error = {}};
  // Before the snapshot begins: what is committed later is not in it.
  const auto positions = positions_from(job.shard, job.at);
  Txn txn(env.get(), MDB_RDONLY);
  std::size_t bytes = 0;
  for (auto position : positions) {
    auto key = val(position);
    MDB_val value{};
    const auto rc = mdb_get(txn.get(), log, &key, &value);
    if (rc == MDB_NOTFOUND) break;  // cut meanwhile
    if (rc != 0) {
      result.error = disk_problem(rc, config.file).error;
      break;
    }
    bytes += value.mv_size;
    if (!result.records.empty() && bytes > job.bytes) break;
    result.records.push_back(to_bytes(storage::view(value)));
  }
  std::vector<JournalEvent> events;
  events.emplace_back(std::move(result));
  job.port->deliver(std::move(events));
}

/// Which records are whose was found at load, so that one that was damaged since then is told with
/// its shard: as it is, or as nothing where even its shard cannot be read.
void LmdbStripe::Impl::recover(const ReadJob& job) {
  replication::Recovered part{.token = job.token, .records = {}, .of = {}};
  const auto hand_over = [&] {
    std::vector<JournalEvent> events;
    events.emplace_back(std::exchange(part, {.token = job.token, .records = {}, .of = {}}));
    job.port->deliver(std::move(events));
    return job.port->wait_taken();
  };
  // Before the snapshot begins: what is committed later is not in it.
  auto parts = parts_of(job.recover);
  Txn txn(env.get(), MDB_RDONLY);
  auto status = txn.status();
  if (status == 0) {
    Cursor cursor(txn.get(), log);
    MDB_val key{};
    MDB_val value{};
    for (auto op = MDB_FIRST; cursor.get(key, value, op); op = MDB_NEXT) {
      if (value.mv_size < replication::record_header_bytes) continue;
      const auto shard = replication::shard_of_record(storage::view(value));
      const auto found = parts.find(shard);
      if (found == parts.end()) continue;
      const auto position = load_le<std::uint64_t>(static_cast<const std::uint8_t*>(key.mv_data));
      const auto at = step_to(shard, position, found->second);
      if (at == Step::elsewhere) continue;
      part.records.push_back(at == Step::here ? to_bytes(storage::view(value)) : Bytes{});
      part.of.push_back(shard);
      if (part.records.size() >= recovery_part && !hand_over()) return;
    }
    if (!cursor.at_end()) status = cursor.status();
  }
  for (const auto& [shard, log_part] : parts)
    if (status == 0 && !all_read(shard, log_part))
      part.records.emplace_back(), part.of.push_back(shard);
  if (!part.records.empty() && !hand_over()) return;
  replication::RecoveryFinished finished{.token = job.token, .logs = {}, .error = {}};
  {
    const std::lock_guard lock(mutex);
    for (const auto shard : job.recover) {
      const auto& kept = state(shard);
      finished.logs.push_back(
          {shard, kept.promised, kept.renewals, kept.state, LogIndex{kept.first}});
    }
  }
  if (status != 0) finished.error = disk_problem(status, config.file).error;
  std::vector<JournalEvent> events;
  events.emplace_back(std::move(finished));
  job.port->deliver(std::move(events));
}

/// Whether the record at `position` is the shard's next one, or comes behind one that is missing.
LmdbStripe::Impl::Step LmdbStripe::Impl::step_to(ShardId shard, std::uint64_t position,
                                                 LogPart& part) {
  const std::lock_guard lock(mutex);
  const auto& positions = state(shard).positions;
  if (part.next >= std::min(part.size, positions.size()) || positions[part.next] > position)
    return Step::elsewhere;
  if (positions[part.next] < position) return Step::behind;  // and stays: the rest is of no use
  ++part.next;
  return Step::here;
}

bool LmdbStripe::Impl::all_read(ShardId shard, const LogPart& part) {
  const std::lock_guard lock(mutex);
  return part.next >= std::min(part.size, state(shard).positions.size());
}

std::map<ShardId, LmdbStripe::Impl::LogPart> LmdbStripe::Impl::parts_of(
    const std::vector<ShardId>& asked) {
  const std::lock_guard lock(mutex);
  std::map<ShardId, LogPart> out;
  for (const auto shard : asked) out[shard].size = state(shard).positions.size();
  return out;
}

}  // namespace coterie::storage
