/// The state machine of the placement registers: what the Raft group agrees on. Invariant: a
/// register's epoch grows by one per change; the same commands in the same order give the same
/// state everywhere. docs/WIRE.md, "Register commands", has the bytes. Thread-safety: a value.
#pragma once

#include <map>

#include "coterie/replication/register.hpp"

namespace coterie::replication {

inline constexpr std::size_t register_count = 256;  ///< one for each shard of the cluster

class RegisterState {
 public:
  RegisterState() = default;
  RegisterState(std::uint64_t entity_types, std::vector<Register> registers);

  /// A batch of swaps as a command; `entity_types` is taken by the first command that has one.
  [[nodiscard]] static Bytes command(const std::vector<Swap>& swaps, std::uint64_t entity_types);
  /// Each swap wins or loses alone. A command that does not decode changes nothing.
  std::vector<SwapResult> apply(ByteView command);

  [[nodiscard]] Bytes snapshot() const;
  /// nullopt: not a snapshot of ours.
  [[nodiscard]] static std::optional<RegisterState> restore(ByteView snapshot);

  [[nodiscard]] const Register& get(ShardId shard) const { return registers_.at(shard.value); }
  [[nodiscard]] const std::vector<Register>& all() const { return registers_; }
  [[nodiscard]] std::uint64_t entity_types() const { return entity_types_; }
  friend bool operator==(const RegisterState&, const RegisterState&) = default;

 private:
  SwapResult apply_life(const Swap& swap);
  [[nodiscard]] bool has_copies(const raft::MemberId& directory) const;

  std::uint64_t entity_types_ = 0;
  std::vector<Register> registers_ = std::vector<Register>(register_count);
  std::map<raft::MemberId, Register> lives_{};
};

}  // namespace coterie::replication
