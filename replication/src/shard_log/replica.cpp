#include "coterie/replication/shard_log/replica.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::replication::shard_log {

ShardReplica::ShardReplica(ReplicaConfig config, Replica self, StartId start, Stored stored)
    : config_(config),
      self_(std::move(self)),
      start_(start),
      base_(stored.base),
      starts_(std::move(stored.starts)),
      last_(stored.last),
      commit_(stored.base.last),
      promised_(stored.promised),
      disk_(stored.last, config.max_held, stored.first_batch) {
  const bool sits_out = config_.lease > Duration::zero() &&
                        !mutated("shard: a restarted replica does not sit out what it granted");
  if (sits_out) granted_until_ = stored.opened + config_.lease + config_.lease / lease_drift;
}

Effects ShardReplica::receive(const Message& message, Instant now) {
  Effects out;
  if (message.to != self_ || message.from == self_) return out;
  std::visit([&](const auto& body) { on(message, body, now, out); }, message.body);
  return finish(std::move(out));
}

Effects ShardReplica::persisted(std::uint64_t batch, Instant) {
  Effects out;
  disk_.synced(batch, [&](Message message) { out.emplace_back(Send{std::move(message)}); });
  if (leading_) advance_commit(out);
  trim_tail();
  return finish(std::move(out));
}

/// Whatever the input changed goes to the disk as one write, and what was said behind it waits.
Effects ShardReplica::finish(Effects out) {
  if (changed_from_ != LogIndex{} || promised_changed_) {
    Persist persist{.batch = disk_.write(last_), .from = changed_from_, .promised = promised_};
    if (begins_) persist.begins = base_;
    if (mutated("shard: the promise is not durable")) persist.promised = {};
    if (changed_from_ != LogIndex{}) {
      const auto count = last_.value + 1 - changed_from_.value;
      COTERIE_ENSURE(count <= tail_.size());
      const auto from = tail_.end() - static_cast<std::ptrdiff_t>(count);
      if (leading_ && peers_.empty()) {  // who comes later reads them from the disk
        persist.entries.assign(std::move_iterator(from), std::move_iterator(tail_.end()));
        tail_.clear();
        tail_bytes_ = 0;
      } else {
        persist.entries.assign(from, tail_.end());
      }
    }
    changed_from_ = {};
    promised_changed_ = begins_ = false;
    out.emplace_back(std::move(persist));
  }
  disk_.release(mutated("shard: acknowledges before the disk has it"),
                [&](Message message) { out.emplace_back(Send{std::move(message)}); });
  return out;
}

void ShardReplica::say(const Replica& to, decltype(Message::body) body, Effects& out) const {
  out.emplace_back(Send{{self_, to, epoch_, std::move(body)}});
}

void ShardReplica::say_durably(const Message& to, decltype(Message::body) body) {
  disk_.stage({self_, to.from, to.epoch, std::move(body)});
}

Epoch ShardReplica::epoch_at(LogIndex index) const {
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start)
    if (start->first <= index) return start->epoch;
  return index == base_.last ? base_.epoch : Epoch{};
}

LogIndex ShardReplica::first_of_epoch(LogIndex index) const {
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start)
    if (start->first <= index) return start->first;
  return first();
}

void ShardReplica::append_entry(Entry entry) {
  last_ = next(last_);
  if (starts_.empty() || starts_.back().epoch != entry.epoch)
    starts_.push_back({entry.epoch, last_});
  if (changed_from_ == LogIndex{}) changed_from_ = last_;
  tail_bytes_ += entry.record.size();
  tail_.push_back(std::move(entry));
}

void ShardReplica::truncate_from(LogIndex index) {
  COTERIE_ENSURE(index > LogIndex{} && index > commit_);
  while (!starts_.empty() && starts_.back().first >= index) starts_.pop_back();
  while (last_ >= index) {
    if (!tail_.empty()) {
      tail_bytes_ -= tail_.back().record.size();
      tail_.pop_back();
    }
    last_ = LogIndex{last_.value - 1};
  }
  disk_.cut(last_);
  if (changed_from_ == LogIndex{} || index < changed_from_) changed_from_ = index;
}

/// Nothing that is there is of use, or anybody's.
void ShardReplica::begin_anew(Base base) {
  starts_.clear();
  tail_.clear();
  tail_bytes_ = 0;
  base_ = base;
  last_ = commit_ = base.last;
  disk_.cut({});
  changed_from_ = next(last_);
  begins_ = true;
}

void ShardReplica::trim(LogIndex first) {
  COTERIE_ENSURE(changed_from_ == LogIndex{});
  if (first <= next(base_.last) || first > std::min(commit_, disk_.durable())) return;
  const LogIndex last{first.value - 1};
  base_ = {last, epoch_at(last)};
  while (starts_.size() > 1 && starts_[1].first <= first) starts_.erase(starts_.begin());
  starts_.front().first = std::max(starts_.front().first, first);
  while (last_.value + 1 - tail_.size() < first.value && !tail_.empty()) {
    tail_bytes_ -= tail_.front().record.size();
    tail_.pop_front();
  }
}

/// What this disk and everybody has need not be in memory; for who lags a primary keeps some.
void ShardReplica::trim_tail() {
  auto wanted = next(last_);
  for (const auto& [replica, peer] : peers_) wanted = std::min(wanted, next(peer.match));
  while (!tail_.empty()) {
    const LogIndex oldest{last_.value + 1 - tail_.size()};
    const bool keeps = oldest >= wanted && tail_bytes_ <= config_.tail_bytes;
    if (oldest > disk_.durable() || keeps) return;
    tail_bytes_ -= tail_.front().record.size();
    tail_.pop_front();
  }
}

std::uint64_t ShardReplica::lag() const {
  std::uint64_t most = 0;
  for (const auto& [replica, peer] : peers_) most = std::max(most, last_.value - peer.match.value);
  return most;
}

Instant ShardReplica::next_deadline() const {
  const auto at = deferred_ ? granted_until_ : never;
  return leading_ ? earliest(earliest(at, heartbeat_at_), earliest(propose_at_, take_back_at_))
                  : at;
}

}  // namespace coterie::replication::shard_log
