/// Which writes were seen: each write of a replica has a number, a dot, and a context holds a set
/// of dots, compact where they follow each other. Source: Bieniusa and others, INRIA RR-8083;
/// Almeida, Shoker, Baquero, "Delta state replicated data types", JPDC 2018, section 7. Invariant:
/// `ahead` holds only dots beyond the next one. Thread-safety: values; one owner.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "coterie/gossip/crdt/counters.hpp"

namespace coterie::gossip {

struct Dot {
  Replica replica{};
  std::uint64_t number{};  ///< from 1
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

class DotContext {
 public:
  [[nodiscard]] Dot next(const Replica& self) const {
    const auto found = seen_.find(self);
    return {self, found == seen_.end() ? 1 : found->second + 1};
  }
  [[nodiscard]] bool contains(const Dot& dot) const {
    const auto found = seen_.find(dot.replica);
    return (found != seen_.end() && dot.number <= found->second) || ahead_.contains(dot);
  }
  void add(const Dot& dot) {
    ahead_.insert(dot);
    compact();
  }
  void merge(const DotContext& other) {
    for (const auto& [replica, number] : other.seen_) {
      auto& mine = seen_[replica];
      mine = std::max(mine, number);
    }
    ahead_.insert(other.ahead_.begin(), other.ahead_.end());
    compact();
  }
  [[nodiscard]] const std::map<Replica, std::uint64_t>& seen() const { return seen_; }
  [[nodiscard]] const std::set<Dot>& ahead() const { return ahead_; }
  [[nodiscard]] static DotContext from(std::map<Replica, std::uint64_t> seen, std::set<Dot> ahead) {
    DotContext context;
    context.seen_ = std::move(seen);
    context.ahead_ = std::move(ahead);
    context.compact();
    return context;
  }
  friend bool operator==(const DotContext&, const DotContext&) = default;

 private:
  /// In the order of dots, so one pass is enough.
  void compact() {
    std::erase_if(ahead_, [&](const Dot& dot) {
      auto& mine = seen_[dot.replica];
      if (dot.number == mine + 1) mine = dot.number;
      return dot.number <= mine;
    });
    std::erase_if(seen_, [](const auto& entry) { return entry.second == 0; });
  }
  std::map<Replica, std::uint64_t> seen_{};  ///< all dots up to here
  std::set<Dot> ahead_{};
};

}  // namespace coterie::gossip
