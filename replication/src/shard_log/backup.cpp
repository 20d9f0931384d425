#include "coterie/core/mutation.hpp"
#include "coterie/replication/shard_log/replica.hpp"

namespace coterie::replication::shard_log {

void ShardReplica::on(const Message& message, const Append& append, Instant now, Effects& out) {
  if (message.epoch > promised_ && is_bound(message.from, now)) {
    expect(message.epoch);
    return void(deferred_ = message);
  }
  if (message.epoch < promised_ && !mutated("shard: accepts appends of an older epoch"))
    return say_durably(message, Refused{promised_, next(last_), append.number});
  if (leading_) {
    if (message.epoch <= epoch_) return;  // cannot be; no peer may stop us by saying it
    step_down(out);
  }
  if (message.epoch > promised_) {
    promised_ = message.epoch;
    promised_changed_ = true;
  }
  auto answer = take(append);
  if (auto* refused = std::get_if<Refused>(&answer)) {
    refused->number = append.number;
    refused->promised = promised_;
    return say_durably(message, *refused);
  }
  auto& accepted = std::get<Accepted>(answer);
  accepted.number = append.number;
  commit_ = std::max(commit_, std::min(append.commit, accepted.match));
  say_durably(message, accepted);
}

/// The first entry, which is committed as all before it, is another one at the primary: that one
/// leads by an operator's word, and what is here is nobody's.
bool ShardReplica::is_nobodys(const Append& append) const {
  if (base_.last == LogIndex{} || append.previous != base_.last) return false;
  return epoch_at(base_.last) != append.previous_epoch ||
         (!append.begins && !append.entries.empty() && last_ > base_.last &&
          append.entries.front().epoch != epoch_at(first()));
}

/// Where the entries continue this log, or where they are to be tried next. One that misses what
/// its primary has no more begins anew where that one's begins.
std::optional<Refused> ShardReplica::find_place(const Append& append) {
  const bool lacks = append.previous > last_;
  const bool below = append.previous < base_.last;
  const bool nobodys = is_nobodys(append);
  if (!lacks && !below && !nobodys &&
      (append.previous == LogIndex{} || epoch_at(append.previous) == append.previous_epoch ||
       mutated("shard: does not compare the entry before")))
    return std::nullopt;
  if (append.begins && !append.entries.empty() && (append.previous > commit_ || append.discards)) {
    begin_anew({append.previous, append.previous_epoch});
    return std::nullopt;
  }
  if (lacks) return Refused{.hint = next(last_)};
  if (append.previous > base_.last) return Refused{.hint = first_of_epoch(append.previous)};
  const bool old = !nobodys && commit_ >= base_.last;
  if (old) return Refused{.hint = first()};  // said before it was trimmed
  begin_anew({});
  return Refused{.hint = first()};
}

/// As Raft's: who agrees on one entry and its epoch agrees on all before it, because an epoch has
/// one writer. What a backup has beyond its primary was never committed: the primary is of I.
std::variant<Accepted, Refused> ShardReplica::take(const Append& append) {
  if (auto refused = find_place(append)) return *refused;
  auto index = append.previous;
  for (const auto& entry : append.entries) {
    index = next(index);
    if (index <= last_) {
      if (epoch_at(index) == entry.epoch) continue;
      if (index <= commit_) return Refused{.hint = next(commit_)};  // cannot be
      truncate_from(index);
    }
    append_entry(entry);
  }
  return Accepted{.match = index};
}

/// Only who promised this very epoch, durably, says that no later one can have begun.
/// With a lease: for so long none will.
void ShardReplica::on(const Message& message, const Confirm& confirm, Instant now, Effects&) {
  if (message.epoch == promised_)
    say_durably(message, Confirmed{confirm.round, grant(message, confirm.lease, now)});
}

}  // namespace coterie::replication::shard_log
