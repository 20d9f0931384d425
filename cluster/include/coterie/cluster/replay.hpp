/// Plays a tape to a core made in the same way and compares the hash of the effects after every
/// input. Thread-safety: a pure function.
#pragma once

#include <optional>

#include "coterie/cluster/tape.hpp"
#include "coterie/core/result.hpp"

namespace coterie::cluster {

struct ReplayReport {
  std::string node{};
  std::uint16_t worker{};       ///< 0 = the control plane
  std::uint64_t inputs{};       ///< played
  std::uint64_t effect_hash{};  ///< after the last one
  bool cut = false;             ///< the tape ends inside an entry: its process was killed
  std::string divergence{};     ///< the first input that had another effect; empty = none
};

/// `types` must be what the recorded node registered. An error: not a tape, or of another version.
[[nodiscard]] Result<ReplayReport> replay(ByteView tape,
                                          const std::vector<sharding::EntityType>& types);

}  // namespace coterie::cluster
