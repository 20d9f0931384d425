#include "coterie/sim/raft_group.hpp"

namespace coterie::sim {

using namespace replication::raft;

void RaftGroup::fail(std::string what) {
  if (problem_.empty())
    problem_ = what + " (at " + std::to_string((now_ - Instant{1'000'000'000}) / 1ms) + " ms)" +
               describe();
}

/// Election safety, and leader completeness: one that learns late that it was elected need not have
/// what later terms committed.
void RaftGroup::check_leader(std::size_t node) {
  const auto& raft = *nodes_[node].raft;
  const auto [held, first] = leaders_.try_emplace(raft.term(), id_of(node));
  if (!first && held->second != id_of(node)) return fail("two leaders of one term");
  for (auto i = next(raft.log().snapshot().index); i.value < chosen_.size(); i = next(i))
    if (chosen_in_[i.value] < raft.term() &&
        (i > raft.log().last() || raft.log().at(i) != chosen_[i.value]))
      return fail("a leader lacks a committed entry");
}

/// One vote a term and disk, whatever was killed meanwhile.
void RaftGroup::check_vote(const Message& message) {
  const auto* reply = std::get_if<VoteReply>(&message.body);
  const auto* request = std::get_if<VoteRequest>(&message.body);
  const bool votes = reply != nullptr && reply->granted && !reply->pre;
  const bool stands = request != nullptr && !request->pre;
  if (!votes && !stands) return;
  const auto& whom = votes ? message.to : message.from;
  const auto [held, first] = votes_.try_emplace({message.from, message.term}, whom);
  if (!first && held->second != whom) fail("two votes in one term");
  if (votes && on_vote) on_vote(static_cast<std::size_t>(message.from.node.at(0) - 'a'));
}

/// Committed means: on the disks of a quorum. A voter whose disk was wiped since may have had it.
void RaftGroup::check_quorum_has(std::size_t node, Index index, const Entry& entry) {
  const auto& configuration = nodes_[node].raft->configuration();
  std::size_t have = configuration.voters.size();  // those that have a disk no more
  for (std::size_t i = 0; i < size(); ++i) have -= configuration.is_voter(id_of(i)) ? 1 : 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!configuration.is_voter(id_of(i))) continue;
    const auto& disk = nodes_[i].disk;
    const auto base = disk.snapshot.index;
    if (index <= base) ++have;
    else if (index.value - base.value <= disk.entries.size())
      have += disk.entries[index.value - base.value - 1] == entry ? 1 : 0;
  }
  if (have < configuration.quorum()) fail("an entry was committed that no quorum has on disk");
}

std::string RaftGroup::describe() const {
  static constexpr const char* roles[] = {"follower", "pre-candidate", "candidate", "leader"};
  std::string text;
  for (std::size_t i = 0; i < size(); ++i) {
    const auto id = id_of(i);
    text += "\n  " + id.node + std::to_string(id.disk);
    if (!is_up(i)) {
      text += " down";
      continue;
    }
    const auto& raft = *nodes_[i].raft;
    text += std::string(" ") + roles[static_cast<int>(raft.role())] + " of term " +
            std::to_string(raft.term().value) + ", log " +
            std::to_string(raft.log().snapshot().index.value) + ".." +
            std::to_string(raft.log().last().value) + " of term " +
            std::to_string(raft.log().last_term().value) + ", applied " +
            std::to_string(raft.applied().value) + ", voters";
    for (const auto& voter : raft.configuration().voters)
      text += " " + voter.node + std::to_string(voter.disk);
    text += ", learners";
    for (const auto& learner : raft.configuration().learners)
      text += " " + learner.node + std::to_string(learner.disk);
  }
  return text;
}

}  // namespace coterie::sim
