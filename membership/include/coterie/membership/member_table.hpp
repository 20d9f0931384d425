/// The members that one observer knows, by name: open addressing over a slab, because a node map
/// with its keys costs twice the memory and the whole table is walked for every state exchange.
/// Members keep their place until they are erased, so references survive an insertion.
///
/// Invariant: iteration goes by slot, so the same history gives the same order on every build; the
/// hash is seeded, so that strangers cannot choose names that collide. Thread-safety: one owner.
#pragma once

#include <array>
#include <iterator>
#include <memory>
#include <vector>

#include "coterie/core/flat_index.hpp"
#include "coterie/membership/member.hpp"

namespace coterie::membership {

class MemberTable {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot none = FlatIndex::none;

  explicit MemberTable(std::uint64_t seed) : seed_(seed) {}

  [[nodiscard]] Slot slot(std::string_view name) const;
  /// nullptr for a stranger.
  [[nodiscard]] Member* find(std::string_view name);
  [[nodiscard]] const Member* find(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const { return slot(name) != none; }
  /// Of a member that is there.
  [[nodiscard]] Member& at(std::string_view name);
  [[nodiscard]] const Member& at(std::string_view name) const;
  [[nodiscard]] Member& operator[](Slot slot) {
    return (*chunks_[slot / chunk_members])[slot % chunk_members];
  }
  [[nodiscard]] const Member& operator[](Slot slot) const {
    return (*chunks_[slot / chunk_members])[slot % chunk_members];
  }
  /// Of a name that is not there.
  Slot insert(Member member);
  void erase(Slot slot);
  [[nodiscard]] std::size_t size() const { return index_.size(); }

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Member;
    using difference_type = std::ptrdiff_t;
    using pointer = const Member*;
    using reference = const Member&;
    Iterator() = default;
    Iterator(const MemberTable* table, Slot at) : table_(table), at_(at) { skip(); }
    reference operator*() const { return (*table_)[at_]; }
    pointer operator->() const { return &(*table_)[at_]; }
    Iterator& operator++() { return ++at_, skip(), *this; }
    Iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    void skip() {
      while (at_ < table_->slots_ && (*table_)[at_].name.empty()) ++at_;
    }
    const MemberTable* table_ = nullptr;
    Slot at_ = 0;
  };
  [[nodiscard]] Iterator begin() const { return {this, 0}; }
  [[nodiscard]] Iterator end() const { return {this, slots_}; }

 private:
  static constexpr std::size_t chunk_members = 32;
  using Chunk = std::array<Member, chunk_members>;
  [[nodiscard]] std::uint64_t hash(std::string_view name) const;

  std::uint64_t seed_;
  FlatIndex index_{};
  std::vector<std::unique_ptr<Chunk>> chunks_{};  ///< a free slot has no name
  Slot slots_ = 0;
  std::vector<Slot> free_{};
};

}  // namespace coterie::membership
