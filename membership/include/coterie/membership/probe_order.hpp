/// Round-robin over a shuffled list, each newcomer inserted at a random place: every member is
/// probed once per round, so the worst case is 2N-1 periods. Source: SWIM section 4.3.
/// Thread-safety: a value; one owner.
#pragma once

#include <optional>
#include <vector>

#include "coterie/core/random.hpp"
#include "coterie/membership/member_table.hpp"

namespace coterie::membership {

class ProbeOrder {
 public:
  void insert(MemberTable::Slot member, Random& random);
  /// Into an empty order.
  void insert_all(std::vector<MemberTable::Slot> members, Random& random);
  void erase(MemberTable::Slot member);
  /// The next member for which `eligible` answers true; shuffles on wrap. nullopt if there is none.
  template <class Eligible>
  [[nodiscard]] std::optional<MemberTable::Slot> next(Random& random, Eligible eligible) {
    // What is left of this round, and a whole one: a shuffle may move who is wanted either way.
    for (auto left = 2 * members_.size() + 1; left > 0; --left) {
      if (at_ >= members_.size()) wrap(random);
      if (members_.empty()) return std::nullopt;
      if (const auto member = members_[at_++]; eligible(member)) return member;
    }
    return std::nullopt;
  }

 private:
  void wrap(Random& random);

  std::vector<MemberTable::Slot> members_{};
  std::size_t at_ = 0;
};

}  // namespace coterie::membership
