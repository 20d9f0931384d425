/// The members that one observer knows, by name: open addressing over a slab, because a node map
/// with its keys costs twice the memory and the whole table is walked for every state exchange.
/// Members keep their place until they are erased, so references survive an insertion.
///
/// Invariant: iteration goes by slot, so the same history gives the same order on every build; the
/// hash is seeded, so that strangers cannot choose names that collide. Thread-safety: one owner.
#pragma once

#include <deque>
#include <iterator>
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
  [[nodiscard]] Member& operator[](Slot slot) { return slab_[slot]; }
  [[nodiscard]] const Member& operator[](Slot slot) const { return slab_[slot]; }
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
    Iterator(std::deque<Member>::const_iterator at, std::deque<Member>::const_iterator end)
        : at_(at), end_(end) {
      skip();
    }
    reference operator*() const { return *at_; }
    pointer operator->() const { return &*at_; }
    Iterator& operator++() { return ++at_, skip(), *this; }
    Iterator operator++(int) {
      auto before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    void skip() {
      while (at_ != end_ && at_->name.empty()) ++at_;
    }
    std::deque<Member>::const_iterator at_{}, end_{};
  };
  [[nodiscard]] Iterator begin() const { return {slab_.begin(), slab_.end()}; }
  [[nodiscard]] Iterator end() const { return {slab_.end(), slab_.end()}; }

 private:
  [[nodiscard]] std::uint64_t hash(std::string_view name) const;

  std::uint64_t seed_;
  FlatIndex index_{};
  std::deque<Member> slab_{};  ///< a free slot has no name
  std::vector<Slot> free_{};
};

}  // namespace coterie::membership
