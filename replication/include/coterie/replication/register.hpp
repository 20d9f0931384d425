/// The placement register of one shard and its compare-and-swap. Source: placement contract,
/// "State". Thread-safety: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/replication/raft/types.hpp"

namespace coterie::replication {

/// Of I and of R, as they are read.
inline constexpr std::uint32_t max_shard_members = 7;
/// As they are planned, so that 256 registers with the longest names fit into one frame of 1 MiB.
inline constexpr std::uint32_t planned_shard_members = 6;

/// How the primary of a shard came to be it.
enum class Rule : std::uint8_t {
  placed,       ///< by the first plan
  restarted,    ///< it was its node's in an earlier life
  failed_over,  ///< the one before was silent
  disk_failed,  ///< the one before gave up
  handed_over,  ///< a planned move: the one before had drained
  forced        ///< by an operator, from outside the in-sync set
};
inline constexpr std::uint64_t last_rule = static_cast<std::uint64_t>(Rule::forced);

struct Register {
  Epoch epoch{};          ///< 0 = never placed
  std::string primary{};  ///< node name
  StartId start{};        ///< the primary's life that leads this epoch (invariant 6)
  std::vector<raft::MemberId> in_sync{};   ///< I, the primary included
  std::vector<raft::MemberId> replicas{};  ///< R: I and those that are to be in it
  /// The primary's data directory: who has its name and another disk lacks what it acknowledged
  /// (invariant 10). 0 = not known: written before disks had numbers, or not claimed yet.
  std::uint64_t disk{};
  std::uint32_t min_in_sync = 1;  ///< nothing commits with fewer in I; never falls by itself
  raft::MemberId successor{};     ///< the primary is to hand over to it; no node: to nobody
  Rule rule = Rule::placed;       ///< of the last change of the primary,
  Epoch rule_epoch{};             ///< which was in this epoch
  std::string before{};           ///< and took the shard from this node
  friend bool operator==(const Register&, const Register&) = default;

  [[nodiscard]] raft::MemberId leader() const { return {primary, disk}; }
  [[nodiscard]] bool moves() const { return !successor.node.empty(); }
  /// The next epoch: led by that life of that replica, by that rule.
  [[nodiscard]] Register led_by(const raft::MemberId& replica, StartId life, Rule by) const;
};

struct Swap {
  ShardId shard{};
  Epoch expected{};
  Register desired{};  ///< its epoch is expected + 1
  friend bool operator==(const Swap&, const Swap&) = default;
};
struct SwapResult {
  ShardId shard{};
  bool won = false;
  Register current{};
  friend bool operator==(const SwapResult&, const SwapResult&) = default;
};

void append_register(Bytes& out, const Register& r);
[[nodiscard]] std::optional<Register> decode_register(ByteView bytes);

/// No shard: for each data directory (`primary` and `disk`) the number of its newest start, as
/// `epoch`. It wins where `expected` is the number there, or 0 if there is none.
inline constexpr ShardId life_register{UINT16_MAX};
/// Directories of which it is known; then those with no copy in any register make room.
inline constexpr std::size_t max_lives = 4096;

inline constexpr std::size_t max_swaps = 256;  ///< one batch; a cluster has 256 shards
[[nodiscard]] Bytes encode_swaps(std::uint64_t token, const std::vector<Swap>& swaps);
[[nodiscard]] bool decode_swaps(ByteView body, std::uint64_t& token, std::vector<Swap>& swaps);
[[nodiscard]] Bytes encode_results(std::uint64_t token, const std::vector<SwapResult>& results);
[[nodiscard]] bool decode_results(ByteView body, std::uint64_t& token,
                                  std::vector<SwapResult>& results);

}  // namespace coterie::replication
