/// Which learner takes too long to catch up: the leader waits for one at a time, and one that never
/// does (its disk is full, its build cannot read the snapshot) would keep a lost voter's place
/// empty for ever. Thread-safety: one owner.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "coterie/core/time.hpp"
#include "coterie/replication/raft/types.hpp"

namespace coterie::replication {

/// The registers are some 100 KiB: who has not got them by then has another trouble.
inline constexpr Duration learner_limit = 60s;
/// Then others are tried for so long.
inline constexpr Duration pass_over_for = 600s;

class LearnerWatch {
 public:
  /// Called again and again with the learners of now: one that just exceeded the limit, once.
  [[nodiscard]] std::optional<raft::MemberId> look(const std::vector<raft::MemberId>& learners,
                                                   Instant now) {
    std::erase_if(until_, [&](const auto& entry) { return entry.second <= now; });
    if (learners.empty() || learners.front() != learner_) since_ = now;
    learner_ = learners.empty() ? raft::MemberId{} : learners.front();
    if (learners.empty() || now - since_ < learner_limit || passed_over(learner_, now))
      return std::nullopt;
    until_[learner_] = now + pass_over_for;
    return learner_;
  }
  [[nodiscard]] bool passed_over(const raft::MemberId& id, Instant now) const {
    const auto found = until_.find(id);
    return found != until_.end() && now < found->second;
  }

 private:
  raft::MemberId learner_{};
  Instant since_{};
  std::map<raft::MemberId, Instant> until_{};  ///< one a minute at most, and each ends
};

}  // namespace coterie::replication
