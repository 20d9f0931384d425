#include "coterie/replication/register_host.hpp"

#include "coterie/core/ensure.hpp"

namespace coterie::replication {

RegisterHost::RegisterHost(std::vector<Register> registers)
    : durable_(std::move(registers)), decided_(durable_) {}

MetaEffects RegisterHost::compare_and_swap(std::uint64_t token, std::vector<Swap> swaps) {
  Pending pending{.batch = next_batch_++, .token = token};
  for (auto& swap : swaps) {
    if (swap.shard.value >= decided_.size()) {  // a peer's mistake: it loses
      pending.results.push_back({swap.shard, false, {}});
      continue;
    }
    auto& current = decided_[swap.shard.value];
    const bool wins = current.epoch == swap.expected && swap.desired.epoch == next(swap.expected);
    if (wins) {
      current = swap.desired;
      pending.changes.emplace_back(swap.shard, current);
    }
    pending.results.push_back({swap.shard, wins, current});
  }
  MetaEffects out;
  // Losers wait behind the disk too: what made them lose may not be durable yet.
  out.emplace_back(PersistRegisters{pending.batch, pending.changes});
  pending_.push_back(std::move(pending));
  return out;
}

MetaEffects RegisterHost::persisted(std::uint64_t batch) {
  COTERIE_ENSURE(!pending_.empty() && pending_.front().batch == batch);
  MetaEffects out;
  auto done = std::move(pending_.front());
  pending_.pop_front();
  for (const auto& [shard, value] : done.changes) durable_[shard.value] = value;
  out.emplace_back(Swapped{done.token, std::move(done.results)});
  if (!done.changes.empty()) out.emplace_back(RegistersChanged{std::move(done.changes)});
  return out;
}

}  // namespace coterie::replication
