#include "lmdb_stripe.hpp"

#include <algorithm>
#include <map>

#include "coterie/replication/record.hpp"

namespace coterie::storage {

using replication::JournalEvent;

namespace {

constexpr std::size_t previous_offset = 56;     // in a record: docs/JOURNAL.md
constexpr std::size_t log_part_records = 4096;  // of one part of a log, as in one message
constexpr std::size_t recovery_part =
    1024;  // records handed over at once: bounds the memory of a recovery

}  // namespace

LmdbStripe::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    if (reading) reading->stop();
  }
  write_ready.notify_all();
  read_ready.notify_all();
  if (writer.joinable()) writer.join();
  if (reader.joinable()) reader.join();
}

void LmdbStripe::Impl::start() {
  writer = std::thread([this] { write_loop(); });
  reader = std::thread([this] { read_loop(); });
}

void LmdbStripe::Impl::write_loop() {
  std::vector<WriteJob> group;
  while (true) {
    {
      std::unique_lock lock(mutex);
      write_ready.wait(lock, [&] { return stopping || !writes.empty(); });
      if (writes.empty()) return;  // stopping, and everything that was asked for is written
      std::size_t bytes = 0;
      while (!writes.empty() && group.size() < config.group_records && bytes < config.group_bytes) {
        bytes += writes.front().request.record.size();
        group.push_back(std::move(writes.front()));
        writes.pop_front();
      }
    }
    commit(group);
    group.clear();
  }
}

/// Puts the group's records into `txn`; what is refused without the disk's help is told at once.
void LmdbStripe::Impl::stage(const std::vector<WriteJob>& jobs, MDB_txn* txn, Group& group) {
  for (const auto& job : jobs) {
    const auto& request = job.request;
    auto& shard = state(request.shard);
    if (job.reset) shard.broken = false;
    if (job.reset || shard.broken) continue;  // a failure was told; the core will reset
    auto& change = group.changes
                       .try_emplace(request.shard, Change{.kept = shard.positions.size(),
                                                          .promised = shard.promised,
                                                          .renewals = shard.renewals,
                                                          .renewed_at = shard.renewed_at})
                       .first->second;
    const auto end = change.kept + change.added.size() + 1;
    const bool fits = request.replaces ? request.index.value <= end && request.index.value > 0
                                       : request.index.value == end;
    const bool old =
        request.renewal == 0 ? request.epoch < change.promised : request.renewal <= change.renewals;
    if (!fits || old) {
      shard.broken = true;
      group.tell(job,
                 replication::AppendFailed{
                     request.shard, request.index,
                     error(Errc::storage, "the journal refuses an older epoch or a gap"), false});
      continue;
    }
    if (change.first == nullptr) change.first = &job;
    write(job, txn, group);
  }
}

void LmdbStripe::Impl::write(const WriteJob& job, MDB_txn* txn, Group& group) {
  const auto& request = job.request;
  auto& change = group.changes.at(request.shard);
  if (request.replaces) cut(change, request.index.value - 1, state(request.shard), txn, group);
  if (!request.record.empty()) {
    auto position = group.next_position++;
    auto key = val(position);
    auto value = val(ByteView(request.record));
    if (group.status == 0) group.status = mdb_put(txn, log, &key, &value, MDB_APPEND);
    change.added.push_back(position);
    ++group.records;
    group.bytes += request.record.size();
  }
  const bool promises_more = request.promises && request.epoch > change.promised;
  if (promises_more) change.promised = request.epoch;
  if (request.renewal != 0) {
    change.renews = true;
    change.renewals = request.renewal;
    change.renewed_at = group.next_position;
    for (auto position : state(request.shard).lost) remove(position, txn, group);
  }
  if (promises_more || request.renewal != 0) write_promise(request.shard, change, txn, group);
  change.batch = std::max(change.batch, request.batch);
}

void LmdbStripe::Impl::write_promise(ShardId shard, const Change& change, MDB_txn* txn,
                                     Group& group) {
  Bytes body;
  append_le(body, change.promised.value);
  if (change.renewals != 0) {
    append_le(body, change.renewals);
    append_le(body, change.renewed_at);
  }
  std::uint64_t shard_key = shard.value;
  auto key = val(shard_key);
  auto value = val(ByteView(body));
  if (group.status == 0) group.status = mdb_put(txn, promises, &key, &value, 0);
}

void LmdbStripe::Impl::remove(std::uint64_t position, MDB_txn* txn, Group& group) {
  auto key = val(position);
  if (group.status != 0) return;
  const auto rc = mdb_del(txn, log, &key, nullptr);
  if (rc != MDB_NOTFOUND) group.status = rc;  // a renewal that was asked for twice has removed it
}

void LmdbStripe::Impl::cut(Change& change, std::size_t keep, const ShardState& shard, MDB_txn* txn,
                           Group& group) {
  for (; change.kept + change.added.size() > keep && !change.added.empty(); change.added.pop_back())
    remove(change.added.back(), txn, group);
  for (; change.kept > keep; --change.kept) remove(shard.positions[change.kept - 1], txn, group);
}

/// One transaction, one sync for the whole group.
void LmdbStripe::Impl::commit(const std::vector<WriteJob>& jobs) {
  Group group{.next_position = next_position};
  Txn txn(env.get(), 0);
  group.status = dead ? MDB_PANIC : txn.status();
  stage(jobs, txn.get(), group);
  std::erase_if(group.changes, [](const auto& change) { return change.second.first == nullptr; });
  if (group.status == 0 && !group.changes.empty()) group.status = txn.commit();
  const bool good = group.status == 0;
  const auto problem = good ? DiskProblem{} : disk_problem(group.status, config.file);
  {
    const std::lock_guard lock(mutex);
    if (good) {
      next_position = group.next_position;
      for (const auto& [shard, change] : group.changes) {
        auto& kept = state(shard);
        kept.positions.resize(change.kept);
        kept.positions.insert(kept.positions.end(), change.added.begin(), change.added.end());
        kept.promised = change.promised;
        kept.renewals = change.renewals;
        kept.renewed_at = change.renewed_at;
        if (change.renews) kept.lost.clear(), kept.state = replication::LogState::whole;
      }
      counters.records += group.records;
      counters.bytes += group.bytes;
      counters.commits += group.changes.empty() ? 0 : 1;
    } else {
      ++counters.failures;
      if (!dead && !problem.full) dead = true, death = problem.error;
    }
  }
  for (const auto& [shard, change] : group.changes) {
    const auto& first = *change.first;
    if (!good) {
      state(shard).broken = true;
      group.tell(first, replication::AppendFailed{shard, first.request.index,
                                                  dead ? death : problem.error, dead});
    } else if (change.batch != 0) {
      group.tell(first, replication::Appended{shard, change.batch});
    }
  }
  for (auto& [port, events] : group.done) port->deliver(std::move(events));
}

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

/// Empty: the shard's log ends before `index`.
Result<Bytes> LmdbStripe::Impl::record_at(MDB_txn* txn, ShardId shard, LogIndex index) {
  std::uint64_t position = 0;
  {
    const std::lock_guard lock(mutex);
    const auto& positions = state(shard).positions;
    if (index.value == 0 || index.value > positions.size()) return Bytes{};
    position = positions[index.value - 1];
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
  const auto& all = state(shard).positions;
  const auto first = std::min<std::uint64_t>(index.value == 0 ? 0 : index.value - 1, all.size());
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
      finished.logs.push_back({shard, kept.promised, kept.renewals, kept.state});
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
