/// What a Coterie node says of itself in its member metadata (at most 512 bytes): one magic byte
/// 0xc1, which msgpack never uses and Serf's tags (0xff) cannot begin with, then a msgpack array
/// that only ever grows at its end. docs/WIRE.md, "Node metadata". Thread-safety: a value type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/wire/native_messages.hpp"

namespace coterie::membership {

inline constexpr std::uint16_t max_data_workers = 256;  ///< as many as there are shards

inline constexpr std::uint32_t max_weight = 1000;
inline constexpr std::size_t max_zone_bytes = 32;
inline constexpr std::size_t max_roles = 8;
inline constexpr std::size_t max_role_bytes = 16;

/// What a node is worth to those who place shards.
struct NodeTraits {
  std::uint32_t weight = 1;  ///< its share of the shards beside the others' weights; 0: none
  std::string zone{};        ///< copies of a shard are spread over these; empty: a zone of its own
  std::vector<std::string> roles{};
  friend bool operator==(const NodeTraits&, const NodeTraits&) = default;
};

struct NodeMeta {
  Address link{};
  Address management{};
  std::uint16_t data_workers{};  ///< 0 = worker 0 also owns the shards
  bool leads_registers = false;  ///< this node leads the MetaStore
  StartId start{};               ///< which life of its data directory this is
  ClusterId cluster{};           ///< unset until adopted
  std::uint64_t entity_types{};  ///< digest of the registered entity types; 0 = takes no shards
  std::uint64_t details{};       ///< hash of what did not fit here (details.hpp); 0 = none
  std::uint64_t disk{};          ///< number of the data directory: a voter is a disk; 0 = old node
  NodeTraits traits{};
  friend bool operator==(const NodeMeta&, const NodeMeta&) = default;
};

/// Metadata of a member that runs this library in a native pool.
[[nodiscard]] inline bool is_native(ByteView meta) {
  return !meta.empty() && meta[0] == wire::native_mark;
}
[[nodiscard]] Bytes encode(const NodeMeta& meta);
/// nullopt for a foreign node's metadata.
[[nodiscard]] std::optional<NodeMeta> decode_node_meta(ByteView meta);

}  // namespace coterie::membership
