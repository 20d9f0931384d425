/// Which members of a cluster vote on the registers: 1, 3 or 5 stable ones, changed one step at a
/// time: a learner first, added before another is removed; spread over as many zones as there are,
/// so that one that fails takes no majority with it. Whoever an operator drains may go for
/// good at any moment: another one takes its place, and where there is none, the vote of those that
/// stay has to be a majority without it. Source: placement contract, "Voters".
/// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>

#include "coterie/core/time.hpp"
#include "coterie/replication/raft/types.hpp"

namespace coterie::replication {

/// A voter that is away for so long is replaced; one that left, after the shorter span, which a
/// rolling restart fits into.
inline constexpr Duration replace_after = 600s;
inline constexpr Duration replace_left_after = 30s;
/// Between two removals: each costs a quorum's margin until its substitute has proved itself.
inline constexpr Duration removal_pause = 60s;

struct VoterCandidate {
  raft::MemberId id{};
  Instant away_since = never;  ///< never = it is present
  bool left = false;
  bool reachable = true;     ///< by its link, without which it cannot learn
  bool draining = false;     ///< by an operator
  bool passed_over = false;  ///< it learned for too long, and others are tried
  bool lags = false;         ///< a learner that has not got all yet
  std::string zone{};        ///< empty: one of its own
};
struct VoterChange {
  enum class Kind : std::uint8_t { add_learner, promote, remove, hand_over };
  Kind kind = Kind::add_learner;
  raft::MemberId id{};  ///< hand_over: the leader, which drains; another voter is to lead
  friend bool operator==(const VoterChange&, const VoterChange&) = default;
};

/// How many of so many members are to vote.
[[nodiscard]] std::size_t wanted_voters(std::size_t members);
/// The next step, if any. `candidates`: every member of the cluster once, the leader included. A
/// voter that is not among them is one that this leader never saw: it counts as away since
/// `known_since`, when the leader began to look.
[[nodiscard]] std::optional<VoterChange> plan_voters(const raft::Configuration& configuration,
                                                     const raft::MemberId& leader,
                                                     const std::vector<VoterCandidate>& candidates,
                                                     Instant known_since, Instant now);
/// Whether those that drain may all go at once: the others are a majority of the voters.
[[nodiscard]] bool can_spare_draining(const raft::Configuration& configuration,
                                      const raft::MemberId& leader,
                                      const std::vector<VoterCandidate>& candidates,
                                      Instant known_since, Instant now);

}  // namespace coterie::replication
