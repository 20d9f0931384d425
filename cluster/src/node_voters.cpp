#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

/// Every member that could vote, present or away; a disk that has no number is an older node's.
std::vector<replication::VoterCandidate> NodeCore::voter_candidates(Instant now) const {
  std::vector<replication::VoterCandidate> out{{.id = store_->raft().self()}};
  out.front().draining = is_drained(config_.name);
  out.front().zone = config_.traits.zone;
  for (const auto& [name, meta] : metas_) {
    if (meta.disk == 0 || meta.cluster != cluster_) continue;
    const auto* const member = swim_.members().find(name);
    if (member == nullptr) continue;
    replication::VoterCandidate candidate{.id = {name, meta.disk}};
    if (!member->is_present()) {
      candidate.away_since = earliest(member->changed, now);
      candidate.left = member->state == membership::MemberState::left;
    }
    candidate.reachable = links_.is_up(links_.lane_to(name, 0));
    candidate.draining = is_drained(name);
    candidate.zone = meta.traits.zone;
    candidate.passed_over = learners_.passed_over(candidate.id, now);
    candidate.lags = !store_->raft().caught_up(candidate.id);
    out.push_back(std::move(candidate));
  }
  return out;
}

std::optional<std::vector<std::string>> NodeCore::needed_voters(Instant now) const {
  if (!store_ || (!leads_registers() && store_->raft().leader().node.empty())) return std::nullopt;
  const auto& configuration = store_->raft().configuration();
  std::vector<std::string> out;
  if (replication::can_spare_draining(configuration, store_->raft().leader(), voter_candidates(now),
                                      leads_registers() ? leads_since_ : now, now))
    return out;
  for (const auto& id : configuration.voters)
    if (is_drained(id.node)) out.push_back(id.node);
  return out;
}

/// One step at a time, each after the one before is committed.
void NodeCore::tick_voters(Instant now, NodeEffects& out) {
  if (!leads_registers() || now < next_voters_) return;
  next_voters_ = now + voters_interval;
  for (const auto& [lane, peer] : lanes_up_) announce(lane);  // one may have been lost
  if (leaving_ || !table_.formed()) return;
  const auto& raft = store_->raft();
  auto lagging = raft.configuration().learners;
  std::erase_if(lagging, [&](const auto& id) { return raft.caught_up(id); });
  if (const auto slow = learners_.look(lagging, now))
    out.emplace_back(LogEvent{LogLevel::warning,
                              "node '" + slow->node +
                                  "' does not catch up with the placement registers: another one "
                                  "learns in its place"});
  const auto change = replication::plan_voters(raft.configuration(), raft.self(),
                                               voter_candidates(now), leads_since_, now);
  if (change) make(*change, now, out);
}

/// Whenever the registers' group got on.
void NodeCore::hasten_voters(Instant now) {
  if (!voters_change_ || !leads_registers()) return;
  const auto& raft = store_->raft();
  const auto& learners = raft.configuration().learners;
  if (!raft.may_change() || !std::all_of(learners.begin(), learners.end(),
                                         [&](const auto& id) { return raft.caught_up(id); }))
    return;
  voters_change_ = false;
  next_voters_ = now;
}

/// As far as this node is of the registers' group and knows: too few of them vote; or nothing.
std::string NodeCore::few_voters() const {
  if (!store_ || !store_->raft().configuration().contains(store_->raft().self())) return {};
  std::size_t members = 1;
  for (const auto& [name, meta] : metas_)
    members += name != config_.name && meta.cluster == cluster_ && meta.disk != 0 &&
                       present(name) && !is_drained(name)
                   ? 1
                   : 0;
  const auto wanted = replication::wanted_voters(members);
  const auto voters = store_->raft().configuration().voters.size();
  if (voters >= wanted) return {};
  return std::to_string(voters) + " of " + std::to_string(wanted) +
         " members vote on the placement registers: one that dies may stop every change of "
         "placement";
}

/// Until this node is ready for the first time.
void NodeCore::await_votes(Instant now) {
  if (was_ready_) return;
  if (votes_by_ == never && table_.formed()) votes_by_ = now + votes_patience;
  awaits_votes_ = now < votes_by_ && !few_voters().empty();
}

void NodeCore::make(const replication::VoterChange& change, Instant now, NodeEffects& out) {
  using Kind = replication::VoterChange::Kind;
  if (change.kind == Kind::hand_over) return take(store_->hand_over(now), now, out);
  const bool removes_voter =
      change.kind == Kind::remove && store_->raft().configuration().is_voter(change.id);
  // Who is drained is there and well, and goes because it was asked to.
  if (removes_voter && !is_drained(change.id.node) && removed_at_ != Instant{INT64_MIN} &&
      now - removed_at_ < replication::removal_pause)
    return;
  replication::MetaEffects effects;
  const bool begun = change.kind == Kind::add_learner ? store_->add_learner(change.id, now, effects)
                     : change.kind == Kind::promote   ? store_->promote(change.id, now, effects)
                                                      : store_->remove(change.id, now, effects);
  take(std::move(effects), now, out);
  if (!begun) return;
  voters_change_ = true;
  if (removes_voter) removed_at_ = now;
  const char* const what = change.kind == Kind::add_learner ? "learns the placement registers"
                           : change.kind == Kind::promote   ? "votes on the placement registers"
                                                            : "votes or learns no longer";
  out.emplace_back(LogEvent{LogLevel::info, "node '" + change.id.node + "' " + what});
}

}  // namespace coterie::cluster
