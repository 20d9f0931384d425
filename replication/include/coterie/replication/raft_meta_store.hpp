/// The embedded MetaStore: the placement registers on a Raft group. Every node of a cluster has
/// one; those that are members of the group have the log, the others an empty one until the leader
/// makes them learners. Invariants: raft/raft.hpp's, and that an answer never precedes its commit.
/// Thread-safety: one owner.
#pragma once

#include <map>

#include "coterie/replication/meta_store.hpp"
#include "coterie/replication/raft/raft.hpp"
#include "coterie/replication/register_state.hpp"

namespace coterie::replication {

/// The log is replaced by a snapshot of about 30 KiB when it is so long.
inline constexpr std::size_t compact_entries = 512;
inline constexpr std::size_t compact_bytes = 1024 * 1024;

class RaftMetaStore {
 public:
  RaftMetaStore(raft::RaftConfig config, raft::MemberId self, raft::Stored stored, Random random,
                Instant now);
  /// What the disk of a founder holds before its first write: a group of its own.
  [[nodiscard]] static raft::Stored founded(const raft::MemberId& founder,
                                            const RegisterState& state);

  [[nodiscard]] MetaEffects receive(const raft::Message& message, Instant now);
  [[nodiscard]] MetaEffects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const { return raft_.next_deadline(); }
  [[nodiscard]] MetaEffects persisted(std::uint64_t batch, Instant now);
  [[nodiscard]] MetaEffects suspect(const std::string& node, Instant now);
  /// Answered by Swapped(token), or not at all: whoever does not lead, or is about to lead no
  /// longer, says nothing. `entity_types`: with the first placement, else 0.
  [[nodiscard]] MetaEffects compare_and_swap(std::uint64_t token, const std::vector<Swap>& swaps,
                                             std::uint64_t entity_types);
  /// Membership of the group; false as in raft/raft.hpp.
  [[nodiscard]] bool add_learner(const raft::MemberId& id, Instant now, MetaEffects& out);
  [[nodiscard]] bool promote(const raft::MemberId& id, Instant now, MetaEffects& out);
  [[nodiscard]] bool remove(const raft::MemberId& id, Instant now, MetaEffects& out);
  /// To any other voter, the one that answered last.
  [[nodiscard]] MetaEffects hand_over(Instant now);

  [[nodiscard]] const Register& get(ShardId shard) const { return state_.get(shard); }
  [[nodiscard]] const RegisterState& state() const { return state_; }
  [[nodiscard]] const raft::Raft& raft() const { return raft_; }
  [[nodiscard]] bool leads() const { return raft_.leads(); }

 private:
  struct Asked {
    raft::Term term{};
    std::uint64_t token{};
  };
  [[nodiscard]] MetaEffects take(raft::Effects&& effects);
  void apply(const raft::Apply& applied, MetaEffects& out);
  void compact(MetaEffects& out);

  raft::Raft raft_;
  RegisterState state_{};
  std::map<raft::Index, Asked> asked_{};  ///< bounded by the proposals that Raft takes
};

static_assert(MetaStore<RaftMetaStore>);

}  // namespace coterie::replication
