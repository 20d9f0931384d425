/// The single-host MetaStore: every register on the node that bootstrapped, linearizable because
/// one core decides in order and answers only after its disk did. While the host is down nothing
/// changes hands (docs/adr/0003). Invariants: a register's epoch grows by one per change; an answer
/// never precedes its durability. A disk that refuses is retried by the shell in order, so that
/// nothing later overtakes. Thread-safety: one owner.
#pragma once

#include <deque>
#include <map>

#include "coterie/replication/meta_store.hpp"

namespace coterie::replication {

class RegisterHost {
 public:
  /// `registers` are what the disk holds; index = shard.
  explicit RegisterHost(std::vector<Register> registers);

  /// The durable register.
  [[nodiscard]] const Register& get(ShardId shard) const { return durable_.at(shard.value); }
  [[nodiscard]] const std::vector<Register>& all() const { return durable_; }
  [[nodiscard]] MetaEffects compare_and_swap(std::uint64_t token, std::vector<Swap> swaps);
  /// The disk finished `batch`, in order.
  [[nodiscard]] MetaEffects persisted(std::uint64_t batch);

 private:
  struct Pending {
    std::uint64_t batch{};
    std::uint64_t token{};
    std::vector<SwapResult> results{};
    std::vector<std::pair<ShardId, Register>> changes{};
  };
  std::vector<Register> durable_;
  std::vector<Register> decided_;  ///< durable_ plus what is on its way to the disk
  std::deque<Pending> pending_{};  ///< bounded by the links' queue: one batch per request in flight
  std::uint64_t next_batch_ = 1;
};

static_assert(MetaStore<RegisterHost>);

}  // namespace coterie::replication
