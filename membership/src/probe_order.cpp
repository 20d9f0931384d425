#include "coterie/membership/probe_order.hpp"

#include <algorithm>

namespace coterie::membership {

void ProbeOrder::insert(MemberTable::Slot member, Random& random) {
  const auto at = random.below(std::uint64_t{members_.size() + 1});
  members_.insert(members_.begin() + static_cast<std::ptrdiff_t>(at), member);
  if (at < at_) ++at_;
}

void ProbeOrder::insert_all(std::vector<MemberTable::Slot> members, Random& random) {
  members_ = std::move(members);
  wrap(random);
}

void ProbeOrder::erase(MemberTable::Slot member) {
  const auto found = std::find(members_.begin(), members_.end(), member);
  if (found == members_.end()) return;
  if (static_cast<std::size_t>(found - members_.begin()) < at_) --at_;
  members_.erase(found);
}

void ProbeOrder::wrap(Random& random) {
  at_ = 0;
  random.shuffle(std::span(members_));
}

}  // namespace coterie::membership
