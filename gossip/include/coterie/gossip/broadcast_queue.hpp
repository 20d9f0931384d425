/// The transmit-limited queue of piggybacked broadcasts. Fewest transmissions first, then larger,
/// then newer; a broadcast is dropped after `retransmit_mult * ceil(log10(n + 1))` transmissions,
/// and a newer one about the same subject replaces it. Source: SWIM section 4.1; memberlist wire
/// protocol, section 11.5. A fair share for user broadcasts joins here later. Thread-safety: a
/// value; one owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"

namespace coterie::gossip {

/// Times one broadcast is sent in a cluster of `members`: 4 up to 9 members, 8 up to 99 with the
/// default of 4.
[[nodiscard]] std::uint32_t retransmit_limit(std::uint32_t retransmit_mult, std::size_t members);

class BroadcastQueue {
 public:
  explicit BroadcastQueue(std::uint32_t retransmit_mult) : retransmit_mult_(retransmit_mult) {}

  /// Queues `message` about `subject`, in place of an older one about it. The bound is one message
  /// per subject.
  void push(std::string subject, Bytes message);
  /// Takes messages of at most `budget` bytes in all, each costing `overhead` more; counts one
  /// transmission for each.
  [[nodiscard]] std::vector<Bytes> take(std::size_t budget, std::size_t overhead,
                                        std::size_t members);
  [[nodiscard]] bool empty() const { return by_subject_.empty(); }
  [[nodiscard]] std::size_t size() const { return by_subject_.size(); }
  [[nodiscard]] bool contains(const std::string& subject) const {
    return by_subject_.contains(subject);
  }

 private:
  struct Broadcast {
    Bytes message{};
    std::uint32_t transmissions{};
    std::uint64_t number{};
  };
  std::map<std::string, Broadcast> by_subject_{};
  std::uint32_t retransmit_mult_;
  std::uint64_t counter_ = 0;
};

}  // namespace coterie::gossip
