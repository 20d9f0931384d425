#include "coterie/sim/disk.hpp"

#include <algorithm>
#include <set>

#include "coterie/replication/record.hpp"

namespace coterie::sim {

using replication::AppendFailed;

void Disk::crash(bool power_cut) {
  // A kill leaves any prefix of what was on its way: LMDB commits whole groups, ours are cut at
  // their end or not at all. Power may be cut when a sync was done of which nobody had heard.
  if (!full && random_.chance(power_cut ? 0.25 : 0.5))
    for (auto& entry : written) keep(std::move(entry.request));
  if (!full && writing && random_.chance(0.5)) writing();
  written.clear();
  writing = nullptr;
  fails_journal = fails_store = false;
}

bool Disk::kept_by_failed_sync() { return random_.chance(0.5); }

void Disk::wipe() {
  const auto opened = writers;
  *this = Disk(config_, random_.split());
  writers = opened;
}

void Disk::keep(replication::AppendRequest&& request) {
  auto& log = logs[request.shard];
  const auto first = first_of(request.shard);
  const auto at = static_cast<std::ptrdiff_t>(request.index.value - first.value);
  if (request.trims) {
    if (request.index <= first || request.index >= end_of(request.shard)) return;
    log.erase(log.begin(), log.begin() + at);
  }
  if (request.replaces) log.resize(request.begins ? 0 : static_cast<std::size_t>(at));
  if (request.trims || request.begins) firsts[request.shard] = request.index;
  if (!request.record.empty()) log.push_back(std::move(request.record));
  auto& promise = promised[request.shard];
  if (request.promises) promise = std::max(promise, request.epoch);
  if (request.renewal != 0) renewals[request.shard] = request.renewal;
}

LogIndex Disk::first_of(ShardId shard) const {
  const auto found = firsts.find(shard);
  return found == firsts.end() ? LogIndex{1} : found->second;
}

LogIndex Disk::end_of(ShardId shard) const {
  const auto log = logs.find(shard);
  return LogIndex{first_of(shard).value + (log == logs.end() ? 0 : log->second.size())};
}

void Disk::flip(ShardId shard, Random& random) {
  auto& log = logs[shard];
  auto& record = log.at(random.below(std::uint64_t{log.size()}));
  const auto bit = random.below(std::uint64_t{record.size() * 8});
  record[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
}

Duration Disk::sync_time() {
  const auto usual = config_.sync_min + random_.below(config_.sync_max - config_.sync_min);
  return slow > Duration::zero() ? slow : usual;
}

SimJournal::SimJournal(Disk& disk, Later later, std::function<void()> ready)
    : disk_(disk), later_(std::move(later)), ready_(std::move(ready)), writer_(++disk.writers) {
  for (const auto& [shard, log] : disk_.logs) next_[shard] = disk_.end_of(shard);
  first_ = disk_.firsts;
  promised_ = disk_.promised;
}

void SimJournal::refuse(const replication::AppendRequest& request, const char* why) {
  broken_[request.shard] = true;
  events_.emplace_back(
      AppendFailed{request.shard, request.index, error(Errc::storage, why), false});
  later_(1us, ready_);
}

void SimJournal::append(std::vector<replication::AppendRequest> requests) {
  for (auto& request : requests) append_one(std::move(request));
  if (!waiting_.empty()) start_sync();
}

void SimJournal::append_one(replication::AppendRequest request) {
  if (broken_[request.shard]) return;
  if (request.trims) {
    waiting_.push_back({std::move(request), writer_});
    return;
  }
  auto& expected = next_.try_emplace(request.shard, LogIndex{1}).first->second;
  auto& promised = promised_[request.shard];
  auto& first = first_.try_emplace(request.shard, LogIndex{1}).first->second;
  const bool inside = request.index <= expected && request.index >= first;
  const bool fits = request.begins     ? request.replaces && request.index != LogIndex{}
                    : request.replaces ? inside
                                       : request.index == expected;
  if (!fits) return refuse(request, "the journal refuses a gap");
  if (request.epoch < promised && request.renewal == 0)
    return refuse(request, "the journal refuses an older epoch");
  if (request.promises) promised = request.epoch;
  if (request.begins) first = request.index;
  expected = request.record.empty() ? request.index : next(request.index);
  waiting_.push_back({std::move(request), writer_});
}

void SimJournal::start_sync() {
  if (syncing_ || waiting_.empty()) return;
  syncing_ = true;
  while (!waiting_.empty()) {
    disk_.written.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  later_(disk_.sync_time(), [this] { finish_sync(); });
}

void SimJournal::finish_sync() {
  syncing_ = false;
  std::vector<Disk::Stored> group;
  std::erase_if(disk_.written, [&](auto& entry) {
    if (entry.writer != writer_) return false;
    group.push_back(std::move(entry));
    return true;
  });
  if (disk_.fails_journal && !std::exchange(dead_, true) && disk_.kept_by_failed_sync())
    for (auto entry : group) disk_.keep(std::move(entry.request));
  std::map<ShardId, std::uint64_t> done;
  for (auto& [request, writer] : group) {
    if (dead_ || disk_.full) {
      fail(request);
      continue;
    }
    auto& batch = done[request.shard];
    batch = std::max(batch, request.batch);
    disk_.keep(std::move(request));
  }
  for (const auto& [shard, batch] : done)
    if (batch != 0) events_.emplace_back(replication::Appended{shard, batch});
  std::erase_if(waiting_, [&](const auto& entry) { return broken_[entry.request.shard]; });
  start_sync();
  ready_();
}

void SimJournal::fail(const replication::AppendRequest& request) {
  if (request.trims || std::exchange(broken_[request.shard], true)) return;
  events_.emplace_back(
      AppendFailed{request.shard, request.index,
                   error(Errc::storage, dead_ ? "Input/output error" : "the disk is full"), dead_});
}

void SimJournal::reset(ShardId shard) {
  broken_[shard] = false;
  first_[shard] = disk_.first_of(shard);
  next_[shard] = disk_.end_of(shard);
  promised_[shard] = disk_.promised[shard];
}

void SimJournal::replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) {
  replication::Replayed part{.token = token};
  const auto& log = disk_.logs[shard];
  const auto first = disk_.first_of(shard);
  for (auto index = head; index != LogIndex{};) {
    if (index < first || index >= disk_.end_of(shard)) {
      part.error = error(Errc::storage, "no such record");
      break;
    }
    part.records.push_back(log[index.value - first.value]);
    if (!whole && replication::is_snapshot(part.records.back())) break;
    const auto record = replication::read_record(part.records.back());
    if (!record) break;
    index = record->previous;
  }
  std::reverse(part.records.begin(), part.records.end());
  events_.emplace_back(std::move(part));
  later_(disk_.sync_time(), ready_);
}

void SimJournal::recover(std::uint64_t token, std::vector<ShardId> shards) {
  replication::Recovered part{.token = token, .records = {}, .of = {}};
  replication::RecoveryFinished end{.token = token, .logs = {}, .error = {}};
  for (const auto shard : shards) {
    const auto& log = disk_.logs[shard];
    part.records.insert(part.records.end(), log.begin(), log.end());
    part.of.insert(part.of.end(), log.size(), shard);
    end.logs.push_back({shard, disk_.promised[shard], disk_.renewals[shard],
                        replication::LogState::whole, disk_.first_of(shard)});
  }
  events_.emplace_back(std::move(part));
  events_.emplace_back(std::move(end));
  later_(disk_.sync_time(), ready_);
}

void SimJournal::read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) {
  replication::LogRead part{.token = token, .records = {}, .error = {}};
  const auto& log = disk_.logs[shard];
  std::size_t taken = 0;
  const auto first = disk_.first_of(shard).value;
  const bool trimmed = from.value < first && first > 1;
  for (auto i = std::max(from.value, first); i - first < log.size() && !trimmed; ++i) {
    taken += log[i - first].size();
    if (!part.records.empty() && taken > bytes) break;
    part.records.push_back(log[i - first]);
  }
  events_.emplace_back(std::move(part));
  later_(disk_.sync_time(), ready_);
}

std::vector<replication::JournalEvent> SimJournal::poll() { return std::exchange(events_, {}); }

}  // namespace coterie::sim
