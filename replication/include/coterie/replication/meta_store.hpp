/// The MetaStore seam of the placement contract: get, compare_and_swap of a batch in which each
/// shard wins or loses alone, and watch. A store is a pure value driven by inputs; `MetaStore` is
/// the concept it satisfies and tests/conformance/meta_store_test.cpp the suite that it must pass.
/// The default is RaftMetaStore. Answers and changes come out as effects, because a durable answer
/// takes time. Thread-safety: one owner.
#pragma once

#include <concepts>
#include <variant>
#include <vector>

#include "coterie/core/error.hpp"
#include "coterie/replication/raft/effects.hpp"
#include "coterie/replication/register.hpp"

namespace coterie::replication {

/// The outcome of compare_and_swap(token): sent only after it is durable. No answer means outcome
/// unknown: to ask again is safe, for a swap can win only once.
struct Swapped {
  std::uint64_t token{};
  std::vector<SwapResult> results{};
  friend bool operator==(const Swapped&, const Swapped&) = default;
};
/// Watchers: these registers changed, durably.
struct RegistersChanged {
  std::uint64_t entity_types{};  ///< the digest that the first placement fixed; 0 = none yet
  std::vector<std::pair<ShardId, Register>> registers{};
  friend bool operator==(const RegistersChanged&, const RegistersChanged&) = default;
};
using MetaEffect =
    std::variant<raft::Send, raft::Persist, raft::LeaderChanged, Swapped, RegistersChanged>;
using MetaEffects = std::vector<MetaEffect>;

template <class S>
concept MetaStore = requires(S store, const S& view, ShardId shard, std::uint64_t number,
                             const std::vector<Swap>& swaps, Instant now) {
  { view.get(shard) } -> std::same_as<const Register&>;
  { store.compare_and_swap(number, swaps, number) } -> std::same_as<MetaEffects>;
  { store.persisted(number, now) } -> std::same_as<MetaEffects>;
  { store.tick(now) } -> std::same_as<MetaEffects>;
  { view.next_deadline() } -> std::same_as<Instant>;
};

}  // namespace coterie::replication
