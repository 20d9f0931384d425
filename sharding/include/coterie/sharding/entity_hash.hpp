/// Entity id -> XXH3 -> shard. The hash is part of the format: golden vectors in
/// tests/sharding/sharding_test.cpp. All entity types share the 256 shards, so the type is no
/// part of it. Thread-safety: pure functions.
#pragma once

#include <string_view>

#include "coterie/core/ids.hpp"

namespace coterie::sharding {

inline constexpr std::uint16_t shard_count =
    256;  ///< a power of two; the shard is the hash's first byte

[[nodiscard]] std::uint64_t entity_hash(std::string_view id);
[[nodiscard]] constexpr ShardId shard_of(std::uint64_t hash) {
  return ShardId{static_cast<std::uint16_t>(hash >> 56)};
}
/// Low 32 bits of XXH3 of the type's name.
[[nodiscard]] EntityTypeId entity_type_id(std::string_view name);
/// A command id from a caller's own text, which names a command of this one entity: XXH3 of all
/// three, and if the text ends with a UUIDv7 (RFC 9562) the time in it.
[[nodiscard]] CommandId command_id(EntityTypeId type, std::string_view entity,
                                   std::string_view text);

}  // namespace coterie::sharding
