#include "lmdb_stripe.hpp"

#include <algorithm>
#include <map>

#include "coterie/replication/record.hpp"

namespace coterie::storage {

using replication::JournalEvent;

namespace {

constexpr std::size_t sweep_records = 4096;  // trimmed in one commit, which appends wait for

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
      const bool sweeps = !garbage.empty() && !failed;
      write_ready.wait(lock, [&] { return stopping || sweeps || !writes.empty(); });
      if (writes.empty() && stopping) return;  // everything that was asked for is written
      take_group(group);
    }
    commit(group);
    group.clear();
  }
}

/// Usually all that waits: the two vectors change places, and neither allocates.
void LmdbStripe::Impl::take_group(std::vector<WriteJob>& group) {
  std::size_t count = 0, bytes = 0;
  while (count < writes.size() && count < config.group_records && bytes < config.group_bytes)
    bytes += writes[count++].request.record.size();
  if (count == writes.size()) return group.swap(writes);
  const auto end = writes.begin() + static_cast<std::ptrdiff_t>(count);
  group.assign(std::move_iterator(writes.begin()), std::move_iterator(end));
  writes.erase(writes.begin(), end);
}

LmdbStripe::Impl::Change& LmdbStripe::Impl::change_of(ShardId shard, Group& group) {
  const auto& kept = state(shard);
  return group.changes
      .try_emplace(shard, Change{.first = kept.first,
                                 .kept = kept.positions.size(),
                                 .promised = kept.promised,
                                 .renewals = kept.renewals,
                                 .renewed_at = kept.renewed_at})
      .first->second;
}

/// Puts the group's records into `txn`; what is refused without the disk's help is told at once.
void LmdbStripe::Impl::stage(const std::vector<WriteJob>& jobs, MDB_txn* txn, Group& group) {
  Cursor end(txn, log);
  for (const auto& job : jobs) {
    const auto& request = job.request;
    auto& shard = state(request.shard);
    if (job.reset) shard.broken = false;
    // After a failure was told the core will reset.
    if (job.reset || job.then || shard.broken) continue;
    if (request.trims) {
      trim(request, txn, group);
      continue;
    }
    auto& change = change_of(request.shard, group);
    const bool inside = request.index.value >= change.first && request.index.value <= change.end();
    const bool fits = request.begins     ? request.replaces && request.index.value > 0
                      : request.replaces ? inside
                                         : request.index.value == change.end();
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
    if (change.told == nullptr) change.told = &job;
    write(job, txn, end, group);
  }
}

void LmdbStripe::Impl::write(const WriteJob& job, MDB_txn* txn, Cursor& end, Group& group) {
  const auto& request = job.request;
  auto& change = group.changes.at(request.shard);
  const bool moves = request.begins && request.index.value != change.first;
  if (moves) begin_anew(request.shard, request.index, change, txn, group);
  else if (request.replaces)
    cut(change, request.index.value - change.first, state(request.shard), txn, group);
  if (!request.record.empty()) {
    auto position = group.next_position++;
    auto key = val(position);
    auto value = val(ByteView(request.record));
    if (group.status == 0) group.status = end.append(key, value);
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
  if (promises_more || request.renewal != 0 || moves)
    write_state(request.shard, change, txn, group);
  change.batch = std::max(change.batch, request.batch);
}

/// The records stay for the moment: sweep() takes them off the disk, a few in each commit.
void LmdbStripe::Impl::trim(const replication::AppendRequest& request, MDB_txn* txn, Group& group) {
  auto& change = change_of(request.shard, group);
  const auto old = change.first + change.kept - change.trimmed;  // behind what was there before
  if (request.index.value <= change.first || request.index.value >= old) return;
  change.trimmed += request.index.value - change.first;
  change.first = request.index.value;
  write_state(request.shard, change, txn, group);
}

void LmdbStripe::Impl::sweep(MDB_txn* txn, Group& group) {
  for (; group.swept < std::min(garbage.size(), sweep_records); ++group.swept)
    remove(garbage[group.swept].position, txn, group);
}

/// Usually behind its end: then its records are garbage, known by their indices. Else nothing of it
/// may stay on the disk, where it would be taken for what comes.
void LmdbStripe::Impl::begin_anew(ShardId shard, LogIndex first, Change& change, MDB_txn* txn,
                                  Group& group) {
  const auto& kept = state(shard);
  if (first.value >= change.end()) {
    for (auto position : change.added) remove(position, txn, group);
    change.trimmed = change.kept;
  } else {
    cut(change, 0, kept, txn, group);
    for (std::size_t i = 0; i < change.trimmed; ++i) remove(kept.positions[i], txn, group);
    for (const auto& old : garbage)
      if (old.shard == shard) remove(old.position, txn, group);
  }
  change.added.clear();
  change.first = first.value;
}

/// docs/JOURNAL.md: what is known of a shard's log beside its records.
void LmdbStripe::Impl::write_state(ShardId shard, const Change& change, MDB_txn* txn,
                                   Group& group) {
  Bytes body;
  append_le(body, change.promised.value);
  if (change.renewals != 0 || change.first != 1) {
    append_le(body, change.renewals);
    append_le(body, change.renewed_at);
  }
  if (change.first != 1) append_le(body, change.first);
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

/// `keep`: so many records stay, the oldest.
void LmdbStripe::Impl::cut(Change& change, std::size_t keep, const ShardState& shard, MDB_txn* txn,
                           Group& group) {
  const auto size = [&] { return change.kept - change.trimmed + change.added.size(); };
  for (; size() > keep && !change.added.empty(); change.added.pop_back())
    remove(change.added.back(), txn, group);
  for (; size() > keep; --change.kept) remove(shard.positions[change.kept - 1], txn, group);
}

/// It is on the disk: from here on it is so.
void LmdbStripe::Impl::keep(ShardId shard, const Change& change) {
  auto& kept = state(shard);
  kept.positions.resize(change.kept);
  const auto trimmed = kept.positions.begin() + static_cast<std::ptrdiff_t>(change.trimmed);
  for (auto position = kept.positions.begin(); position != trimmed; ++position)
    garbage.push_back({shard, *position});
  kept.positions.erase(kept.positions.begin(), trimmed);
  kept.positions.insert(kept.positions.end(), change.added.begin(), change.added.end());
  kept.first = change.first;
  kept.promised = change.promised;
  kept.renewals = change.renewals;
  kept.renewed_at = change.renewed_at;
  if (change.renews) kept.lost.clear(), kept.state = replication::LogState::whole;
}

/// One transaction, one sync for the whole group.
void LmdbStripe::Impl::commit(std::vector<WriteJob>& jobs) {
  Group group{.next_position = next_position};
  Txn txn(env.get(), 0);
  group.status = dead ? MDB_PANIC : txn.status();
  stage(jobs, txn.get(), group);
  sweep(txn.get(), group);
  const bool changes =
      group.swept > 0 || std::any_of(group.changes.begin(), group.changes.end(), [](const auto& c) {
        return c.second.told != nullptr || c.second.trimmed > 0;
      });
  if (group.status == 0 && changes) group.status = txn.commit();
  failed = group.status != 0;
  const auto problem = failed ? disk_problem(group.status, config.file) : DiskProblem{};
  {
    const std::lock_guard lock(mutex);
    if (!failed) {
      next_position = group.next_position;
      garbage.erase(garbage.begin(), garbage.begin() + static_cast<std::ptrdiff_t>(group.swept));
      for (const auto& [shard, change] : group.changes) keep(shard, change);
      counters.records += group.records;
      counters.bytes += group.bytes;
      counters.commits += changes ? 1 : 0;
    } else {
      ++counters.failures;
      if (!dead && !problem.full) dead = true, death = problem.error;
    }
  }
  for (const auto& [shard, change] : group.changes) {
    if (change.told == nullptr) continue;
    const auto& first = *change.told;
    if (failed) {
      state(shard).broken = true;
      group.tell(first, replication::AppendFailed{shard, first.request.index,
                                                  dead ? death : problem.error, dead});
    } else if (change.batch != 0) {
      group.tell(first, replication::Appended{shard, change.batch});
    }
  }
  tell(jobs, group);
}

void LmdbStripe::Impl::tell(std::vector<WriteJob>& jobs, Group& group) {
  for (auto& job : jobs)
    if (const auto done = group.done.find(job.port); done != group.done.end())
      done->second.spent.push_back(std::move(job.request.record));
  for (auto& [port, done] : group.done)
    port->deliver(std::move(done.events), std::move(done.spent));
  for (auto& job : jobs)
    if (job.then) {
      const std::lock_guard lock(mutex);
      reads.push_back(std::move(*job.then));
      read_ready.notify_one();
    }
}

}  // namespace coterie::storage
