#include "coterie/membership/probe_order.hpp"

#include <algorithm>

namespace coterie::membership {

void ProbeOrder::insert(const std::string& name, Random& random) {
  const auto at = random.below(std::uint64_t{names_.size() + 1});
  names_.insert(names_.begin() + static_cast<std::ptrdiff_t>(at), name);
  if (at < at_) ++at_;
}

void ProbeOrder::erase(const std::string& name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) return;
  if (static_cast<std::size_t>(found - names_.begin()) < at_) --at_;
  names_.erase(found);
}

std::optional<std::string> ProbeOrder::next(
    Random& random, const std::function<bool(const std::string&)>& eligible) {
  for (std::size_t looked = 0; looked <= names_.size(); ++looked) {
    if (at_ >= names_.size()) {
      at_ = 0;
      random.shuffle(std::span(names_));
      if (names_.empty()) return std::nullopt;
    }
    const auto& name = names_[at_++];
    if (eligible(name)) return name;
  }
  return std::nullopt;
}

}  // namespace coterie::membership
