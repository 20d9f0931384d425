#include "coterie/replication/voters.hpp"

#include <algorithm>
#include <tuple>

namespace coterie::replication {
namespace {

using raft::MemberId;
using Kind = VoterChange::Kind;

class VoterPlan {
 public:
  VoterPlan(const raft::Configuration& configuration, const MemberId& leader,
            const std::vector<VoterCandidate>& candidates, Instant known_since, Instant now)
      : configuration_(configuration),
        leader_(leader),
        candidates_(candidates),
        known_since_(known_since),
        now_(now) {
    std::size_t members = 0;
    for (const auto& candidate : candidates) members += lost(candidate.id) ? 0 : 1;
    for (const auto& id : configuration.voters) {
      if (lost(id)) continue;
      ++(drains(id) ? draining_ : staying_);
      members += find(id) == nullptr ? 1 : 0;
    }
    wanted_ = wanted_voters(members);
    for (const bool anywhere : {false, true})
      for (const auto& candidate : candidates)
        if (next_ == nullptr && fit(candidate.id) && !configuration.contains(candidate.id) &&
            (anywhere || voters_in(zone_of(candidate.id)) == 0))
          next_ = &candidate.id;
  }

  [[nodiscard]] std::optional<VoterChange> next() const {
    // Who drains is counted on only where nobody else is there to take its place.
    const bool replaced = next_ != nullptr || !configuration_.learners.empty();
    const auto counted = replaced ? staying_ : staying_ + draining_;
    const auto needed = wanted_ + (spreads() ? 1 : 0);
    for (const auto& id : configuration_.learners)
      if (!fit(id) || counted >= needed) return VoterChange{Kind::remove, id};
    if (counted < needed) {
      if (next_ != nullptr && configuration_.learners.size() < learners_at_once(needed - counted))
        return VoterChange{Kind::add_learner, *next_};
      return configuration_.learners.empty() ? relieve() : promote();
    }
    for (const auto& id : configuration_.voters)
      if (lost(id) && id != leader_) return VoterChange{Kind::remove, id};
    if (staying_ + draining_ <= wanted_) return relieve();
    return draining_ > 0 ? end_draining() : shrink();
  }
  [[nodiscard]] bool can_spare_draining() const { return draining_ == 0 || staying_ > draining_; }

 private:
  /// An even number of voters survives no more deaths than one fewer, and has one more to die of:
  /// where two are missing, both have learned everything before the first of them votes.
  [[nodiscard]] std::size_t learners_at_once(std::size_t missing) const {
    return missing >= 2 && configuration_.voters.size() % 2 == 1 ? 2 : 1;
  }
  [[nodiscard]] std::optional<VoterChange> promote() const {
    for (const auto& id : configuration_.learners)
      if (const auto* const learner = find(id); learner != nullptr && learner->lags)
        return std::nullopt;
    return VoterChange{Kind::promote, configuration_.learners.front()};
  }
  [[nodiscard]] const VoterCandidate* find(const MemberId& id) const {
    for (const auto& candidate : candidates_)
      if (candidate.id == id) return &candidate;
    return nullptr;
  }
  /// Will not be back: another disk has its name, or it is away for too long.
  [[nodiscard]] bool lost(const MemberId& id) const {
    for (const auto& candidate : candidates_) {
      if (candidate.id.node != id.node) continue;
      if (candidate.id.disk != id.disk) return true;
      return candidate.away_since != never &&
             now_ - candidate.away_since >= (candidate.left ? replace_left_after : replace_after);
    }
    return now_ - known_since_ >= replace_after;
  }
  [[nodiscard]] bool drains(const MemberId& id) const {
    const auto* const candidate = find(id);
    return candidate != nullptr && candidate->draining;
  }
  [[nodiscard]] bool present(const MemberId& id) const {
    const auto* const candidate = find(id);
    return candidate != nullptr && candidate->away_since == never && candidate->reachable;
  }
  /// It may learn, and vote then.
  [[nodiscard]] bool fit(const MemberId& id) const {
    return present(id) && !drains(id) && !find(id)->passed_over;
  }

  [[nodiscard]] std::string zone_of(const MemberId& id) const {
    const auto* const candidate = find(id);
    return candidate == nullptr || candidate->zone.empty() ? "node " + id.node
                                                           : "zone " + candidate->zone;
  }
  [[nodiscard]] std::size_t voters_in(const std::string& zone) const {
    const auto& voters = configuration_.voters;
    return static_cast<std::size_t>(
        std::count_if(voters.begin(), voters.end(),
                      [&](const auto& id) { return !lost(id) && zone_of(id) == zone; }));
  }
  /// A zone has two voters, and another one none: who learns, or would next, is to vote as well
  /// before one of the two is removed. Not while one is away, which would go instead.
  [[nodiscard]] bool spreads() const {
    const auto* const learner =
        configuration_.learners.empty() ? next_ : &configuration_.learners.front();
    const bool all_there =
        std::all_of(configuration_.voters.begin(), configuration_.voters.end(),
                    [&](const auto& id) { return id == leader_ || lost(id) || present(id); });
    return learner != nullptr && all_there && voters_in(zone_of(*learner)) == 0 &&
           std::any_of(configuration_.voters.begin(), configuration_.voters.end(),
                       [&](const auto& id) { return !lost(id) && voters_in(zone_of(id)) > 1; });
  }

  /// Those that drain may all go at once.
  [[nodiscard]] std::optional<VoterChange> relieve() const {
    return staying_ == 0 || can_spare_draining() ? std::nullopt : end_draining();
  }
  [[nodiscard]] std::optional<VoterChange> end_draining() const {
    for (const auto& id : configuration_.voters)
      if (id != leader_ && !lost(id) && drains(id) && live_without(id))
        return VoterChange{Kind::remove, id};
    if (drains(leader_)) return VoterChange{Kind::hand_over, leader_};
    return std::nullopt;
  }
  /// The others are a majority of those that are left, and there: the change has to commit.
  [[nodiscard]] bool live_without(const MemberId& id) const {
    const auto& voters = configuration_.voters;
    const auto live = std::count_if(voters.begin(), voters.end(), [&](const auto& voter) {
      return voter != id && (voter == leader_ || present(voter));
    });
    return 2 * static_cast<std::size_t>(live) > voters.size() - 1;
  }
  /// Who is away goes first, then one of the zone with the most.
  [[nodiscard]] std::optional<VoterChange> shrink() const {
    const MemberId* last = nullptr;
    const auto worth = [&](const MemberId& id) {
      return std::tuple(!present(id), voters_in(zone_of(id)));
    };
    for (auto id = configuration_.voters.rbegin(); id != configuration_.voters.rend(); ++id)
      if (*id != leader_ && (last == nullptr || worth(*id) > worth(*last))) last = &*id;
    if (last == nullptr) return std::nullopt;
    return VoterChange{Kind::remove, *last};
  }

  const raft::Configuration& configuration_;
  const MemberId& leader_;
  const std::vector<VoterCandidate>& candidates_;
  Instant known_since_, now_;
  std::size_t staying_ = 0, draining_ = 0;  ///< voters that are not lost
  std::size_t wanted_ = 0;
  const MemberId* next_ = nullptr;  ///< who would learn next
};

}  // namespace

std::size_t wanted_voters(std::size_t members) { return members >= 5 ? 5 : members >= 3 ? 3 : 1; }

std::optional<VoterChange> plan_voters(const raft::Configuration& configuration,
                                       const MemberId& leader,
                                       const std::vector<VoterCandidate>& candidates,
                                       Instant known_since, Instant now) {
  return VoterPlan(configuration, leader, candidates, known_since, now).next();
}

bool can_spare_draining(const raft::Configuration& configuration, const MemberId& leader,
                        const std::vector<VoterCandidate>& candidates, Instant known_since,
                        Instant now) {
  return VoterPlan(configuration, leader, candidates, known_since, now).can_spare_draining();
}

}  // namespace coterie::replication
