/// The placement register of one shard and its compare-and-swap. Source: placement contract,
/// "State". Thread-safety: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::replication {

struct Register {
  Epoch epoch{};                       ///< 0 = never placed
  std::string primary{};               ///< node name
  StartId start{};                     ///< the primary's life that leads this epoch (invariant 6)
  std::vector<std::string> in_sync{};  ///< I, the primary included
  std::vector<std::string> replicas{};
  /// The primary's data directory: who has its name and another disk lacks what it acknowledged
  /// (invariant 10). 0 = not known: written before disks had numbers, or not claimed yet.
  std::uint64_t disk{};
  friend bool operator==(const Register&, const Register&) = default;
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

inline constexpr std::size_t max_swaps = 256;  ///< one batch; a cluster has 256 shards
[[nodiscard]] Bytes encode_swaps(std::uint64_t token, const std::vector<Swap>& swaps);
[[nodiscard]] bool decode_swaps(ByteView body, std::uint64_t& token, std::vector<Swap>& swaps);
[[nodiscard]] Bytes encode_results(std::uint64_t token, const std::vector<SwapResult>& results);
[[nodiscard]] bool decode_results(ByteView body, std::uint64_t& token,
                                  std::vector<SwapResult>& results);

}  // namespace coterie::replication
