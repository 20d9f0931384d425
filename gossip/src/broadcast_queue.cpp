#include "coterie/gossip/broadcast_queue.hpp"

#include <algorithm>
#include <tuple>

namespace coterie::gossip {

std::uint32_t retransmit_limit(std::uint32_t retransmit_mult, std::size_t members) {
  // ceil(log10(n + 1)) in integers: the number of decimal digits of n, and never below 1.
  std::uint32_t digits = 1;
  for (auto rest = members; rest >= 10; rest /= 10) ++digits;
  return retransmit_mult * digits;
}

void BroadcastQueue::push(std::string subject, Bytes message) {
  by_subject_[std::move(subject)] = {std::move(message), 0, ++counter_};
}

std::vector<Bytes> BroadcastQueue::take(std::size_t budget, std::size_t overhead,
                                        std::size_t members) {
  using Entry = std::map<std::string, Broadcast>::iterator;
  std::vector<Entry> order;
  for (auto it = by_subject_.begin(); it != by_subject_.end(); ++it) order.push_back(it);
  std::sort(order.begin(), order.end(), [](const Entry& a, const Entry& b) {
    const auto& x = a->second;
    const auto& y = b->second;
    return std::tuple(x.transmissions, y.message.size(), y.number) <
           std::tuple(y.transmissions, x.message.size(), x.number);
  });
  const auto limit = retransmit_limit(retransmit_mult_, members);
  std::vector<Bytes> taken;
  for (const auto& entry : order) {
    auto& broadcast = entry->second;
    const auto cost = broadcast.message.size() + overhead;
    if (cost > budget) continue;
    budget -= cost;
    taken.push_back(broadcast.message);
    if (++broadcast.transmissions >= limit) by_subject_.erase(entry);
  }
  return taken;
}

}  // namespace coterie::gossip
