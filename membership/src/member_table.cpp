#include "coterie/membership/member_table.hpp"

#include <xxhash.h>

#include "coterie/core/ensure.hpp"

namespace coterie::membership {

std::uint64_t MemberTable::hash(std::string_view name) const {
  return XXH3_64bits_withSeed(name.data(), name.size(), seed_);
}

MemberTable::Slot MemberTable::slot(std::string_view name) const {
  return index_.find(hash(name), [&](Slot slot) { return (*this)[slot].name == name; });
}

Member* MemberTable::find(std::string_view name) {
  const auto found = slot(name);
  return found == none ? nullptr : &(*this)[found];
}
const Member* MemberTable::find(std::string_view name) const {
  const auto found = slot(name);
  return found == none ? nullptr : &(*this)[found];
}

Member& MemberTable::at(std::string_view name) {
  auto* member = find(name);
  COTERIE_ENSURE(member != nullptr);
  return *member;
}
const Member& MemberTable::at(std::string_view name) const {
  const auto* member = find(name);
  COTERIE_ENSURE(member != nullptr);
  return *member;
}

MemberTable::Slot MemberTable::insert(Member member) {
  COTERIE_ENSURE(!member.name.empty());
  const auto key = hash(member.name);
  Slot slot{};
  if (free_.empty()) {
    slot = slots_++;
    if (slot / chunk_members == chunks_.size()) chunks_.push_back(std::make_unique<Chunk>());
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  (*this)[slot] = std::move(member);
  index_.insert(key, slot);
  return slot;
}

void MemberTable::erase(Slot slot) {
  index_.erase(hash((*this)[slot].name), slot);
  (*this)[slot] = Member{};
  free_.push_back(slot);
}

}  // namespace coterie::membership
