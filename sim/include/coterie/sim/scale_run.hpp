/// How large a pool this simulator carries: a formed pool at rest, in which one member dies half
/// way. Shared by `coterie sim scale` and the tests. Thread-safety: a pure function of its
/// arguments.
#pragma once

#include <cstdint>

#include "coterie/core/time.hpp"

namespace coterie::sim {

struct ScaleResult {
  double node_hours{};
  double messages_per_node_second{}, bytes_per_node_second{};
  std::size_t know{};     ///< members that saw the death by the end
  std::uint64_t trace{};  ///< of every event: equal for equal seeds
};
[[nodiscard]] ScaleResult run_scale(std::size_t nodes, Duration span, std::uint64_t seed);

}  // namespace coterie::sim
