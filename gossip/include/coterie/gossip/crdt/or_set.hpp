/// A set in which an addition wins over a removal that did not see it, without tombstones. Source:
/// Bieniusa and others, "An optimized conflict-free replicated set", INRIA RR-8083; deltas after
/// Almeida, Shoker, Baquero, JPDC 2018. Thread-safety: a value; one owner.
#pragma once

#include <map>
#include <set>

#include "coterie/gossip/crdt/dots.hpp"

namespace coterie::gossip {

template <class T>
class OrSet {
 public:
  /// Returns the delta.
  OrSet add(const Replica& self, const T& item) {
    OrSet delta;
    const auto dot = context_.next(self);
    // The new dot replaces those of the item that were seen.
    for (const auto& old : items_[item]) delta.context_.add(old);
    delta.context_.add(dot);
    delta.items_[item] = {dot};
    merge(delta);
    return delta;
  }
  /// Returns the delta: what was seen of the item is gone.
  OrSet remove(const T& item) {
    OrSet delta;
    const auto found = items_.find(item);
    if (found == items_.end()) return delta;
    for (const auto& dot : found->second) delta.context_.add(dot);
    merge(delta);
    return delta;
  }
  /// A dot stays if both have it, or the other one never saw it.
  void merge(const OrSet& other) {
    for (auto it = items_.begin(); it != items_.end();) {
      const auto theirs = other.items_.find(it->first);
      std::erase_if(it->second, [&](const Dot& dot) {
        const bool has = theirs != other.items_.end() && theirs->second.contains(dot);
        return !has && other.context_.contains(dot);
      });
      it = it->second.empty() ? items_.erase(it) : std::next(it);
    }
    for (const auto& [item, dots] : other.items_)
      for (const auto& dot : dots)
        if (!context_.contains(dot)) items_[item].insert(dot);
    context_.merge(other.context_);
  }
  [[nodiscard]] bool contains(const T& item) const { return items_.contains(item); }
  [[nodiscard]] std::set<T> value() const {
    std::set<T> out;
    for (const auto& [item, dots] : items_) out.insert(item);
    return out;
  }
  [[nodiscard]] const std::map<T, std::set<Dot>>& items() const { return items_; }
  [[nodiscard]] const DotContext& context() const { return context_; }
  [[nodiscard]] static OrSet from(std::map<T, std::set<Dot>> items, DotContext context) {
    OrSet set;
    set.items_ = std::move(items);
    set.context_ = std::move(context);
    std::erase_if(set.items_, [](const auto& item) { return item.second.empty(); });
    return set;
  }
  friend bool operator==(const OrSet&, const OrSet&) = default;

 private:
  std::map<T, std::set<Dot>> items_{};
  DotContext context_{};
};

}  // namespace coterie::gossip
