#include "coterie/messaging/ask_table.hpp"

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
  return std::uint64_t{slot.generation} << 32 | index;
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
  slot.used = false;
  ++slot.generation;
  free_.push_back(index);
  --open_;
  return slot.ask;
}

void AskTable::expect_from(std::uint64_t correlation, std::uint32_t lane) {
  const auto index = static_cast<std::uint32_t>(correlation & slot_mask);
  if (index < slots_.size() && slots_[index].used && slots_[index].generation == correlation >> 32)
    slots_[index].ask.lane = lane;
}

std::optional<OpenAsk> AskTable::close(std::uint64_t correlation) {
  const auto index = static_cast<std::uint32_t>(correlation & slot_mask);
  if (index >= slots_.size()) return std::nullopt;
  const auto& slot = slots_[index];
  if (!slot.used || slot.generation != correlation >> 32) return std::nullopt;
  return release(index);
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

std::vector<OpenAsk> AskTable::close_lane(std::uint32_t lane) {
  std::vector<OpenAsk> closed;
  for (std::uint32_t index = 0; index < slots_.size(); ++index)
    if (slots_[index].used && slots_[index].ask.lane == lane) closed.push_back(release(index));
  return closed;
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
