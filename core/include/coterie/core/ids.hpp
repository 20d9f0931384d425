/// Identities used across the rooms. Source: protocols in docs/ARCHITECTURE.md ("Ownership and
/// replication"). Thread-safety: value types.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "coterie/core/strong.hpp"

namespace coterie {

using ShardId = Strong<struct ShardIdTag, std::uint16_t>;  ///< 0 .. shard count - 1
using Epoch =
    Strong<struct EpochTag, std::uint64_t>;  ///< generation of a shard's register; 0 = none
using Incarnation =
    Strong<struct IncarnationTag, std::uint32_t>;  ///< SWIM incarnation, raised only by its owner
using StartId =
    Strong<struct StartIdTag, std::uint64_t>;  ///< how often this data directory was started
using LogIndex =
    Strong<struct LogIndexTag, std::uint64_t>;  ///< position in one shard's log; first is 1
using Position =
    Strong<struct PositionTag, std::uint64_t>;  ///< position in one node's journal; first is 1
using Sequence =
    Strong<struct SequenceTag, std::uint64_t>;  ///< events of one entity so far; first is 1
using SessionId =
    Strong<struct SessionIdTag, std::uint64_t>;  ///< one sending worker of one process life
using EntityTypeId =
    Strong<struct EntityTypeIdTag, std::uint32_t>;       ///< hash of the registered type name
using ConnId = Strong<struct ConnIdTag, std::uint64_t>;  ///< one stream connection of one process

/// 128 random bits that name a cluster; all zero means "belongs to none yet".
struct ClusterId {
  std::uint64_t high{};
  std::uint64_t low{};
  friend constexpr auto operator<=>(const ClusterId&, const ClusterId&) = default;
  [[nodiscard]] constexpr bool is_set() const { return (high | low) != 0; }
};

/// 128 bits that name one command, so that a retry has its effect once (placement contract,
/// invariant 12).
struct CommandId {
  std::uint64_t high{};
  std::uint64_t low{};
  friend constexpr auto operator<=>(const CommandId&, const CommandId&) = default;
  [[nodiscard]] constexpr bool is_set() const { return (high | low) != 0; }
  /// Bit 127 says that bits 126..80 are the time at which the id was made, in milliseconds since
  /// 1970. Such an id is known to be new or old even when nobody remembers it.
  [[nodiscard]] static constexpr CommandId timed(std::uint64_t ms, std::uint16_t high,
                                                 std::uint64_t low) {
    return {time_bit | (ms << 16 & ~time_bit) | high, low};
  }
  [[nodiscard]] static constexpr CommandId opaque(std::uint64_t high, std::uint64_t low) {
    return {high & ~time_bit, low};
  }
  /// 0 = it carries no time.
  [[nodiscard]] constexpr std::uint64_t time_ms() const {
    return (high & time_bit) != 0 ? (high & ~time_bit) >> 16 : 0;
  }

 private:
  static constexpr std::uint64_t time_bit = std::uint64_t{1} << 63;
};

/// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_string(const ClusterId& id);
/// Parses what `to_string` wrote; nullopt for anything else.
[[nodiscard]] std::optional<ClusterId> parse_cluster_id(std::string_view text);

}  // namespace coterie
