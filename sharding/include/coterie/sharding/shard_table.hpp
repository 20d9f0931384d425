/// The cached registers of every shard, as nodes pass them around. Tables merge by highest epoch,
/// so order and repetition of updates do not matter. Source: placement contract, "State".
/// Thread-safety: a value; shared as immutable snapshot.
#pragma once

#include <optional>
#include <vector>

#include "coterie/replication/register.hpp"
#include "coterie/sharding/entity_hash.hpp"

namespace coterie::sharding {

struct ShardTable {
  std::uint64_t entity_types{};  ///< of who formed the table; 0 = it is not formed
  std::vector<replication::Register> registers{shard_count};
  friend bool operator==(const ShardTable&, const ShardTable&) = default;

  [[nodiscard]] const replication::Register& at(ShardId shard) const {
    return registers.at(shard.value);
  }
  [[nodiscard]] bool formed() const { return entity_types != 0; }
  /// Takes what is newer from `other`; true if anything was.
  bool merge(const ShardTable& other);
  bool merge(ShardId shard, const replication::Register& value);
};

[[nodiscard]] Bytes encode(const ShardTable& table);
[[nodiscard]] std::optional<ShardTable> decode_shard_table(ByteView body);

}  // namespace coterie::sharding
