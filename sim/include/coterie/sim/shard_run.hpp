/// One seed's life of a shard's replicas: nodes are killed, paused, cut off, wiped, suspected
/// rightly and wrongly, replicas are added and taken away, while records are appended and reads
/// asked; then everything heals and all replicas must agree and go on. Thread-safety: a pure
/// function of the seed.
#pragma once

#include <cstdint>
#include <string>

namespace coterie::sim {

struct ShardRunResult {
  bool passed = false;
  std::string problem{};
  std::uint64_t trace{};
  std::size_t acknowledged{};  ///< records committed
  std::size_t reigns{};        ///< epochs that served
  std::size_t epochs{};        ///< of the register
  std::size_t reads{};
  std::size_t kills{};
  std::size_t handed_over{};  ///< switches that a primary proposed
  std::size_t begun_anew{};   ///< logs that began behind what was trimmed
};

[[nodiscard]] ShardRunResult run_shard(std::uint64_t seed);

}  // namespace coterie::sim
