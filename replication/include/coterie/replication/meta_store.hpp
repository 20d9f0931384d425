/// The MetaStore seam of the placement contract: get, compare_and_swap of a batch in which each
/// shard wins or loses alone, and watch. A store is a pure value driven by inputs; `MetaStore` is
/// the concept it satisfies. Today's store is RegisterHost on one node, reached by the others over
/// links; the Raft group takes the same place. Answers and changes come out as effects, because a
/// durable answer takes time. Thread-safety: one owner.
#pragma once

#include <concepts>
#include <variant>
#include <vector>

#include "coterie/core/error.hpp"
#include "coterie/replication/register.hpp"

namespace coterie::replication {

/// Make these registers durable in order, however long it takes, then call persisted(batch).
struct PersistRegisters {
  std::uint64_t batch{};
  std::vector<std::pair<ShardId, Register>> registers{};
  friend bool operator==(const PersistRegisters&, const PersistRegisters&) = default;
};
/// The outcome of compare_and_swap(token): sent only after it is durable.
struct Swapped {
  std::uint64_t token{};
  std::vector<SwapResult> results{};
  friend bool operator==(const Swapped&, const Swapped&) = default;
};
/// Watchers: these registers changed, durably.
struct RegistersChanged {
  std::vector<std::pair<ShardId, Register>> registers{};
  friend bool operator==(const RegistersChanged&, const RegistersChanged&) = default;
};
using MetaEffect = std::variant<PersistRegisters, Swapped, RegistersChanged>;
using MetaEffects = std::vector<MetaEffect>;

template <class S>
concept MetaStore = requires(S store, const S& view, ShardId shard, std::uint64_t token,
                             std::vector<Swap> swaps) {
  { view.get(shard) } -> std::same_as<const Register&>;
  { store.compare_and_swap(token, swaps) } -> std::same_as<MetaEffects>;
  { store.persisted(token) } -> std::same_as<MetaEffects>;
};

}  // namespace coterie::replication
