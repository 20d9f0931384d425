#include "coterie/gossip/broadcast_queue.hpp"

#include <algorithm>

namespace coterie::gossip {

std::uint32_t retransmit_limit(std::uint32_t retransmit_mult, std::size_t members) {
  // ceil(log10(n + 1)) in integers: the number of decimal digits of n, and never below 1.
  std::uint32_t digits = 1;
  for (auto rest = members; rest >= 10; rest /= 10) ++digits;
  return retransmit_mult * digits;
}

void BroadcastQueue::Class::put(std::string subject, Broadcast broadcast) {
  in_order[broadcast.order] = subject;
  by_subject.insert_or_assign(std::move(subject), std::move(broadcast));
}

void BroadcastQueue::Class::erase(const std::string& subject) {
  const auto found = by_subject.find(subject);
  if (found == by_subject.end()) return;
  in_order.erase(found->second.order);
  by_subject.erase(found);
}

void BroadcastQueue::push(std::string subject, Bytes message, BroadcastClass kind) {
  auto& to = kind == BroadcastClass::user ? users_ : membership_;
  to.erase(subject);
  if (kind == BroadcastClass::user && to.by_subject.size() >= max_user_broadcasts)
    to.erase(std::string(to.in_order.rbegin()->second));
  const Order order{0, SIZE_MAX - message.size(), UINT64_MAX - ++counter_};
  to.put(std::move(subject), {std::move(message), order});
}

std::size_t BroadcastQueue::Class::choose(std::size_t budget, std::size_t overhead,
                                          std::vector<std::string>& chosen) const {
  std::size_t spent = 0, skipped = 0;
  for (auto it = in_order.begin(); it != in_order.end() && skipped < max_skipped; ++it) {
    if (std::find(chosen.begin(), chosen.end(), it->second) != chosen.end()) continue;
    const auto cost = by_subject.at(it->second).message.size() + overhead;
    if (spent + cost > budget) {
      ++skipped;
      continue;
    }
    spent += cost;
    chosen.push_back(it->second);
  }
  return spent;
}

void BroadcastQueue::Class::transmit(const std::vector<std::string>& chosen, std::uint32_t limit,
                                     std::vector<Bytes>& taken) {
  for (const auto& subject : chosen) {
    auto node = by_subject.extract(subject);
    auto& broadcast = node.mapped();
    in_order.erase(broadcast.order);
    taken.push_back(broadcast.message);
    if (++broadcast.order.transmissions < limit) put(std::move(node.key()), std::move(broadcast));
  }
}

std::vector<Bytes> BroadcastQueue::take(std::size_t budget, std::size_t overhead,
                                        std::size_t members) {
  if (empty()) return {};
  if (users_.by_subject.empty()) credit_ = 0;
  else credit_ = std::min(credit_ + budget / user_share, budget);
  std::vector<std::string> users, membership;
  const auto owed = users_.choose(credit_, overhead, users);
  credit_ -= owed;
  auto rest = budget - owed;
  rest -= membership_.choose(rest, overhead, membership);
  users_.choose(rest, overhead, users);
  const auto limit = retransmit_limit(retransmit_mult_, members);
  std::vector<Bytes> taken;
  users_.transmit(users, limit, taken);
  membership_.transmit(membership, limit, taken);
  return taken;
}

}  // namespace coterie::gossip
