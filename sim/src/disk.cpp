#include "coterie/sim/disk.hpp"

#include <algorithm>
#include <set>

#include "coterie/replication/record.hpp"

namespace coterie::sim {

using replication::AppendFailed;

void Disk::crash(bool power_cut) {
  // A kill leaves any prefix of what was on its way: LMDB commits whole groups, ours are cut at
  // their end or not at all.
  if (!power_cut && random_.chance(0.5))
    for (auto& entry : written)
      if (entry.epoch >= promised[entry.shard]) log.push_back(std::move(entry));
  written.clear();
  for (const auto& entry : log)
    if (entry.barrier) promised[entry.shard] = std::max(promised[entry.shard], entry.epoch);
}

void Disk::copy_shard(ShardId shard, Disk& to) const {
  std::erase_if(to.log, [&](const auto& entry) { return entry.shard == shard; });
  for (const auto& entry : log)
    if (entry.shard == shard) to.log.push_back(entry);
  if (const auto promise = promised.find(shard); promise != promised.end())
    to.fence(shard, promise->second);
}

Duration Disk::sync_time() {
  return config_.sync_min + random_.below(config_.sync_max - config_.sync_min);
}

SimJournal::SimJournal(Disk& disk, Later later, std::function<void()> ready)
    : disk_(disk), later_(std::move(later)), ready_(std::move(ready)), writer_(++disk.writers) {
  for (const auto& entry : disk_.log) next_[entry.shard] = next(entry.index);
}

void SimJournal::refuse(const replication::AppendRequest& request, const char* why) {
  broken_[request.shard] = true;
  events_.emplace_back(
      AppendFailed{request.shard, request.epoch, request.index, error(Errc::storage, why), false});
  later_(1us, ready_);
}

void SimJournal::append(replication::AppendRequest request) {
  if (broken_[request.shard]) return;
  auto& expected = next_.try_emplace(request.shard, LogIndex{1}).first->second;
  if (request.index != expected) return refuse(request, "the journal refuses a gap");
  if (request.epoch < disk_.promised[request.shard])
    return refuse(request, "the journal refuses an older epoch");
  expected = next(expected);
  waiting_.push_back({request.shard, request.index, request.epoch, request.barrier, writer_,
                      std::move(request.record)});
  start_sync();
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
  struct Span {
    Epoch epoch{};
    LogIndex first{}, last{};
  };
  std::map<ShardId, Span> spans;
  std::set<ShardId> lost;
  std::vector<Disk::Stored> group;
  std::erase_if(disk_.written, [&](auto& entry) {
    if (entry.writer != writer_) return false;
    group.push_back(std::move(entry));
    return true;
  });
  for (const auto& entry : group) {
    auto& span =
        spans.try_emplace(entry.shard, Span{entry.epoch, entry.index, entry.index}).first->second;
    span.last = entry.index;
  }
  for (const auto& [shard, span] : spans) {
    const bool fenced = span.epoch < disk_.promised[shard];
    if (!disk_.full && !fenced) {
      events_.emplace_back(replication::Appended{shard, span.epoch, span.last});
      continue;
    }
    lost.insert(shard);
    broken_[shard] = true;
    next_[shard] = span.first;
    events_.emplace_back(AppendFailed{
        shard, span.epoch, span.first,
        error(Errc::storage, fenced ? "the journal refuses an older epoch" : "the disk is full"),
        false});
  }
  for (auto& entry : group) {
    if (lost.contains(entry.shard)) continue;
    if (entry.barrier) disk_.promised[entry.shard] = entry.epoch;
    disk_.log.push_back(std::move(entry));
  }
  std::erase_if(waiting_, [&](const auto& entry) { return lost.contains(entry.shard); });
  start_sync();
  ready_();
}

void SimJournal::reset(ShardId shard, LogIndex next) {
  broken_[shard] = false;
  next_[shard] = next;
}

void SimJournal::replay(std::uint64_t token, ShardId shard, LogIndex head) {
  replication::Replayed part{.token = token};
  for (auto index = head; index != LogIndex{};) {
    const auto found = std::find_if(disk_.log.begin(), disk_.log.end(), [&](const auto& e) {
      return e.shard == shard && e.index == index;
    });
    if (found == disk_.log.end()) {
      part.error = error(Errc::storage, "no such record");
      break;
    }
    part.records.push_back(found->record);
    index = replication::read_record(found->record).value().previous;
  }
  std::reverse(part.records.begin(), part.records.end());
  events_.emplace_back(std::move(part));
  later_(disk_.sync_time(), ready_);
}

void SimJournal::recover(std::uint64_t token, std::vector<ShardId> shards) {
  replication::Recovered part{.token = token, .records = {}};
  for (const auto& entry : disk_.log)
    if (std::find(shards.begin(), shards.end(), entry.shard) != shards.end())
      part.records.push_back(entry.record);
  events_.emplace_back(std::move(part));
  events_.emplace_back(
      replication::RecoveryFinished{.token = token, .shards = std::move(shards), .error = {}});
  later_(disk_.sync_time(), ready_);
}

std::vector<replication::JournalEvent> SimJournal::poll() { return std::exchange(events_, {}); }

}  // namespace coterie::sim
