#include "coterie/replication/duplicate_table.hpp"

#include <algorithm>

namespace coterie::replication {

const Remembered* DuplicateTable::find(const CommandId& command) const {
  const auto slot = index_.find(
      hash(command), [&](std::uint32_t s) { return order_[s - first_].command == command; });
  return slot == FlatIndex::none ? nullptr : &order_[slot - first_];
}

void DuplicateTable::remember(Remembered entry) {
  bytes_ += entry.reply.size();
  // The slot number wraps at 2^32; `none` is never handed out because it would end a probe.
  auto slot = first_ + static_cast<std::uint32_t>(order_.size());
  if (slot == FlatIndex::none) {
    while (!order_.empty()) evict_front();
    first_ = slot = 0;
  }
  index_.insert(hash(entry.command), slot);
  order_.push_back(std::move(entry));
  while (order_.size() > max_remembered_commands) evict_front();
  while (bytes_ > max_remembered_bytes && replies_dropped_ < order_.size()) drop_oldest_reply();
}

void DuplicateTable::drop_oldest_reply() {
  auto& oldest = order_[replies_dropped_++];
  bytes_ -= oldest.reply.size();
  oldest.reply_dropped = oldest.reply_dropped || !oldest.reply.empty();
  oldest.reply = std::string();
}

void DuplicateTable::evict_front() {
  horizon_ = std::max(horizon_, order_.front().command.time_ms());
  if (replies_dropped_ > 0) --replies_dropped_;
  forget(order_.front(), first_);
  order_.pop_front();
  ++first_;
}

void DuplicateTable::forget(const Remembered& entry, std::uint32_t slot) {
  index_.erase(hash(entry.command), slot);
  bytes_ -= entry.reply.size();
}

}  // namespace coterie::replication
