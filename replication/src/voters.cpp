#include "coterie/replication/voters.hpp"

namespace coterie::replication {
namespace {

using raft::MemberId;

/// Will not be back: another disk has its name, or it is away for too long.
bool is_lost(const MemberId& id, const std::vector<VoterCandidate>& candidates, Instant known_since,
             Instant now) {
  for (const auto& candidate : candidates) {
    if (candidate.id.node != id.node) continue;
    if (candidate.id.disk != id.disk) return true;
    return candidate.away_since != never &&
           now - candidate.away_since >= (candidate.left ? replace_left_after : replace_after);
  }
  return now - known_since >= replace_after;
}

std::size_t wanted_voters(std::size_t members) { return members >= 5 ? 5 : members >= 3 ? 3 : 1; }

}  // namespace

std::optional<VoterChange> plan_voters(const raft::Configuration& configuration,
                                       const MemberId& leader,
                                       const std::vector<VoterCandidate>& candidates,
                                       Instant known_since, Instant now) {
  using Kind = VoterChange::Kind;
  const auto lost = [&](const MemberId& id) { return is_lost(id, candidates, known_since, now); };
  const auto present = [&](const MemberId& id) {
    return std::any_of(candidates.begin(), candidates.end(), [&](const VoterCandidate& c) {
      return c.id == id && c.away_since == never && c.reachable;
    });
  };
  std::size_t members = 0;
  for (const auto& candidate : candidates) members += lost(candidate.id) ? 0 : 1;
  std::size_t voters = 0;  // that we count on
  for (const auto& id : configuration.voters) {
    if (lost(id)) continue;
    ++voters;
    const bool known = std::any_of(candidates.begin(), candidates.end(),
                                   [&](const VoterCandidate& c) { return c.id == id; });
    members += known ? 0 : 1;
  }
  const auto wanted = wanted_voters(members);

  for (const auto& id : configuration.learners)
    if (!present(id) || voters >= wanted) return VoterChange{Kind::remove, id};
  if (voters < wanted) {
    if (!configuration.learners.empty())
      return VoterChange{Kind::promote, configuration.learners.front()};
    for (const auto& candidate : candidates)
      if (present(candidate.id) && !configuration.contains(candidate.id))
        return VoterChange{Kind::add_learner, candidate.id};
    return std::nullopt;  // nobody is there to take the place
  }
  for (const auto& id : configuration.voters)
    if (lost(id) && id != leader) return VoterChange{Kind::remove, id};
  if (voters > wanted)
    for (auto id = configuration.voters.rbegin(); id != configuration.voters.rend(); ++id)
      if (*id != leader) return VoterChange{Kind::remove, *id};
  return std::nullopt;
}

}  // namespace coterie::replication
