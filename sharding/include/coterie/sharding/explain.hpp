/// Why a shard is where it is, and what would be done next, for people. Thread-safety: pure
/// functions.
#pragma once

#include "coterie/sharding/placement.hpp"

namespace coterie::sharding {

/// The rule by which its primary came to lead, in words.
[[nodiscard]] std::string explain_rule(const replication::Register& entry);
/// What is not as it should be, or is under way, in words; empty: nothing.
[[nodiscard]] std::vector<std::string> explain_state(const replication::Register& entry,
                                                     const std::vector<PlaceableNode>& nodes,
                                                     const PlacementConfig& config);

/// One change that the planners would make.
struct PlannedStep {
  ShardId shard{};
  enum class Kind : std::uint8_t { fail_over, move, copy, drop } kind = Kind::move;
  std::string from{};  ///< the primary before, or who loses its copy
  std::string to{};    ///< the primary after, or who gets a copy
  friend bool operator==(const PlannedStep&, const PlannedStep&) = default;
};

/// All steps until nothing is left to do, as if every one were done at once.
[[nodiscard]] std::vector<PlannedStep> rehearse(std::vector<replication::Register> registers,
                                                std::vector<PlaceableNode> nodes,
                                                const PlacementConfig& config);

}  // namespace coterie::sharding
