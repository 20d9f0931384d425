#include "coterie/messaging/ask_table.hpp"

#include <algorithm>

namespace coterie::messaging {
namespace {

constexpr std::uint64_t slot_mask = 0xffff'ffff;

}  // namespace

AskTable::AskTable(Instant now) : turned_to_(now.nanos / slot_nanos) { heads_.fill(none); }

std::optional<std::uint64_t> AskTable::open(const OpenAsk& ask) {
  if (open_ >= max_open_asks) return std::nullopt;
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  auto& slot = slots_[index];
  slot.ask = ask;
  slot.used = true;
  // Round up: a deadline is never announced early. A deadline far away waits out whole turns in its
  // slot.
  const auto due = std::max(ask.deadline.nanos / slot_nanos + 1, turned_to_ + 1);
  slot.wheel = static_cast<std::uint16_t>(due % static_cast<std::int64_t>(wheel_slots));
  slot.previous = none;
  slot.next = heads_[slot.wheel];
  if (slot.next != none) slots_[slot.next].previous = index;
  heads_[slot.wheel] = index;
  ++open_;
  return name_of(index);
}

void AskTable::unlink(std::uint32_t index) {
  auto& slot = slots_[index];
  if (slot.previous == none) heads_[slot.wheel] = slot.next;
  else slots_[slot.previous].next = slot.next;
  if (slot.next != none) slots_[slot.next].previous = slot.previous;
}

OpenAsk AskTable::release(std::uint32_t index) {
  unlink(index);
  auto& slot = slots_[index];
  kept_bytes_ -= slot.message.size();
  if (slot.message.capacity() > kept_capacity) slot.message = Bytes{};  // not {}: that keeps it
  slot.message.clear();
  slot.used = false;
  ++slot.generation;
  free_.push_back(index);
  --open_;
  return slot.ask;
}

bool AskTable::is_open(std::uint64_t correlation) const {
  const auto index = correlation & slot_mask;
  return index < slots_.size() && slots_[index].used &&
         slots_[index].generation == correlation >> 32;
}

OpenAsk* AskTable::find(std::uint64_t correlation) {
  return is_open(correlation) ? &slots_[correlation & slot_mask].ask : nullptr;
}

std::uint64_t AskTable::rename(std::uint64_t correlation) {
  const auto index = static_cast<std::uint32_t>(correlation & slot_mask);
  ++slots_.at(index).generation;
  return name_of(index);
}

void AskTable::expect_from(std::uint64_t correlation, std::uint32_t lane) {
  if (auto* const ask = find(correlation)) ask->lane = lane;
}

std::uint8_t AskTable::sent(std::uint64_t correlation, std::uint32_t lane, ByteView message,
                            bool keep) {
  if (!is_open(correlation)) return 0;
  auto& slot = slots_[correlation & slot_mask];
  slot.ask.lane = lane;
  if (keep && slot.message.empty() && kept_bytes_ + message.size() <= max_kept_bytes) {
    slot.message.assign(message.begin(), message.end());
    kept_bytes_ += message.size();
  }
  return ++slot.ask.sends;
}

ByteView AskTable::kept(std::uint64_t correlation) const {
  return is_open(correlation) ? ByteView(slots_[correlation & slot_mask].message) : ByteView();
}

void AskTable::sort_by_order(std::vector<std::uint64_t>& found) const {
  std::sort(found.begin(), found.end(), [&](std::uint64_t a, std::uint64_t b) {
    return slots_[a & slot_mask].ask.order < slots_[b & slot_mask].ask.order;
  });
}

std::optional<OpenAsk> AskTable::close(std::uint64_t correlation) {
  if (!is_open(correlation)) return std::nullopt;
  return release(static_cast<std::uint32_t>(correlation & slot_mask));
}

std::vector<OpenAsk> AskTable::expire(Instant now) {
  std::vector<OpenAsk> expired;
  const auto target = now.nanos / slot_nanos;
  const auto steps = std::min<std::int64_t>(target - turned_to_, wheel_slots);
  for (std::int64_t step = 1; step <= steps; ++step) {
    const auto wheel =
        static_cast<std::size_t>((target - steps + step) % static_cast<std::int64_t>(wheel_slots));
    for (auto index = heads_[wheel]; index != none;) {
      const auto following = slots_[index].next;
      if (slots_[index].ask.deadline <= now) expired.push_back(release(index));
      index = following;
    }
  }
  turned_to_ = std::max(turned_to_, target);
  return expired;
}

Instant AskTable::next_deadline() const {
  if (open_ == 0) return never;
  for (std::int64_t step = 1; step <= static_cast<std::int64_t>(wheel_slots); ++step) {
    const auto slot = turned_to_ + step;
    if (heads_[static_cast<std::size_t>(slot % static_cast<std::int64_t>(wheel_slots))] != none)
      return Instant{slot * slot_nanos};
  }
  return never;
}

}  // namespace coterie::messaging
