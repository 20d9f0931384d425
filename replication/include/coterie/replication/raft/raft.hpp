/// One member of a Raft group as a value: elections with pre-vote and check-quorum, replication,
/// snapshots in chunks, membership changes one at a time with learners, leadership transfer, reads
/// by ReadIndex. Source: Ongaro and Ousterhout 2014; thesis chapters 3, 4, 5, 6.4, 9.6.
///
/// Invariants, asserted by the simulator (sim/raft_group.hpp) after every event: at most one leader
/// a term; logs that agree on one entry agree on everything before it; a committed entry is in the
/// log of every later leader and never changes; all members apply the same entries in order; a
/// member votes once a term, restarts included. Nothing that depends on the disk is said before the
/// disk has it. Thread-safety: one owner; no clock, socket or disk inside.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "coterie/core/random.hpp"
#include "coterie/core/time.hpp"
#include "coterie/replication/disk_gate.hpp"
#include "coterie/replication/raft/effects.hpp"
#include "coterie/replication/raft/log.hpp"

namespace coterie::replication::raft {

struct RaftConfig {
  Duration heartbeat = 100ms;      ///< of a leader, and until something lost is sent again
  Duration election_min = 500ms;   ///< silence after which a follower asks for an election
  Duration election_max = 1000ms;  ///< each one's own pause is uniform between these
  /// After suspect(): as soon as the others will have noticed as well, but each voter so much after
  /// the one before it in the list. It has to be longer than a sync and a round trip, or two of
  /// them split the votes and both wait for a time-out.
  Duration hint_delay = 5ms;
  Duration hint_spread = 40ms;
  std::uint32_t hint_tries = 6;         ///< elections asked for so closely, before patience is back
  std::size_t batch_bytes = 64 * 1024;  ///< of the entries of one message
  std::size_t chunk_bytes = 32 * 1024;  ///< of a snapshot, in one message
  std::size_t max_uncommitted = 1024;   ///< proposals; more is refused: the group is too slow
  std::size_t max_log_bytes = 8 * 1024 * 1024;  ///< of entries; more is refused likewise
  std::size_t max_held = 256;                   ///< messages that wait for the disk; the oldest go
  std::size_t max_reads = 1024;                 ///< that wait for their round
};

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

class Raft {
 public:
  /// `valid`: whether bytes are a state of ours; a snapshot that is none is not taken over.
  using StateCheck = bool (*)(ByteView state);
  Raft(RaftConfig config, MemberId self, Stored stored, Random random, Instant now,
       StateCheck valid = nullptr);

  [[nodiscard]] Effects receive(const Message& message, Instant now);
  [[nodiscard]] Effects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const;
  /// The disk has this batch, and all before it.
  [[nodiscard]] Effects persisted(std::uint64_t batch, Instant now);
  /// That node's connection was reset and refused: if it led, nobody waits for its silence.
  [[nodiscard]] Effects suspect(const std::string& node, Instant now);

  /// The index at which the command commits if it does; nullopt: not the leader, handing over, or
  /// too much is uncommitted. Outcome unknown if another Apply comes at that index.
  [[nodiscard]] std::optional<Index> propose(Bytes command, Effects& out);
  /// Linearizable: answered by ReadReady, or ReadFailed at once or later.
  [[nodiscard]] Effects read(std::uint64_t token, Instant now);
  /// False: not the leader, another change is not committed yet, nothing of this term is, the
  /// learner lacks what is committed, or a bound. One change at a time (thesis 4.1). A leader does
  /// not remove itself: it hands over first.
  [[nodiscard]] bool add_learner(const MemberId& id, Instant now, Effects& out);
  [[nodiscard]] bool promote(const MemberId& id, Instant now, Effects& out);
  [[nodiscard]] bool remove(const MemberId& id, Instant now, Effects& out);
  /// Hands leadership to a voter, or gives up after an election pause.
  [[nodiscard]] bool transfer(const MemberId& to, Instant now, Effects& out);
  /// `state` is what the state machine became by everything applied: the log before it goes.
  [[nodiscard]] Effects compact(Bytes state);

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] bool leads() const { return role_ == Role::leader; }
  [[nodiscard]] Term term() const { return hard_.term; }
  [[nodiscard]] const MemberId& self() const { return self_; }
  [[nodiscard]] const MemberId& leader() const { return leader_; }
  [[nodiscard]] Index commit() const { return commit_; }
  [[nodiscard]] Index applied() const { return applied_; }
  [[nodiscard]] const Log& log() const { return log_; }
  [[nodiscard]] const Configuration& configuration() const { return log_.configuration(); }
  /// One we lead has all that is committed: a learner may vote.
  [[nodiscard]] bool caught_up(const MemberId& id) const;
  /// A change of the group would begin now.
  [[nodiscard]] bool may_change() const;
  /// When this voter or learner was last heard of, by its leader; nullopt: not of the group, or we
  /// do not lead.
  [[nodiscard]] std::optional<Instant> heard_of(const MemberId& id) const;

 private:
  struct Peer {
    Index next{};
    Index match{};
    Instant heard{};
    /// One message with entries is under way at a time. A doubled answer is none: it would be
    /// answered by another message, and so on.
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    Index snapshot{};  ///< being sent; 0 = none
    std::uint32_t offset = 0;
  };
  struct Read {
    std::uint64_t token{};
    std::uint64_t after{};  ///< answers to later messages than this confirm that we lead
    Index index{};
  };
  struct Incoming {
    Term term{};
    Index index{};
    Bytes state{};
  };
  struct Transfer {
    MemberId to{};
    Instant until{};
    bool told = false;
  };

  // raft.cpp
  [[nodiscard]] Effects finish(Effects out);
  void say(const MemberId& to, decltype(Message::body) body, Effects& out);
  void say_durably(const MemberId& to, decltype(Message::body) body);
  void say_durably(const MemberId& to, Term term, decltype(Message::body) body);
  void become_follower(Term term, const MemberId& leader, Effects& out);
  void apply_committed(Effects& out);
  [[nodiscard]] bool is_voter() const { return configuration().is_voter(self_); }
  // raft_election.cpp
  void rest(Instant now);
  void pre_campaign(Instant now, Effects& out);
  void campaign(bool transfer, Instant now, Effects& out);
  void count_votes(Instant now, Effects& out);
  void lead(Instant now, Effects& out);
  void on(const MemberId& from, Term term, const VoteRequest& request, Instant now, Effects& out);
  void on(const MemberId& from, Term term, const VoteReply& reply, Instant now, Effects& out);
  void on(const MemberId& from, Term term, const TimeoutNow&, Instant now, Effects& out);
  void check_quorum(Instant now, Effects& out);
  void tick_transfer(Instant now, Effects& out);
  // raft_replication.cpp
  void append_own(EntryKind kind, Bytes data);
  void send_entries(const MemberId& to, Peer& peer, bool again, Effects& out);
  void broadcast(bool again, Effects& out);
  void advance_commit(Effects& out);
  void on(const MemberId& from, Term term, const AppendEntries& append, Instant now, Effects& out);
  void on(const MemberId& from, Term term, const AppendReply& reply, Instant now, Effects& out);
  [[nodiscard]] AppendReply take_entries(const AppendEntries& append);
  [[nodiscard]] Peer* answering(const MemberId& from, Term term, std::uint64_t round, Instant now,
                                Effects& out);
  // raft_snapshot.cpp
  void send_chunk(const MemberId& to, Peer& peer, Effects& out);
  void on(const MemberId& from, Term term, const SnapshotChunk& chunk, Instant now, Effects& out);
  void on(const MemberId& from, Term term, const SnapshotReply& reply, Instant now, Effects& out);
  // raft_membership.cpp
  void change(Configuration next, Instant now, Effects& out);
  void know_peers(Instant now);
  void finish_reads(Effects& out);
  void fail_reads(Effects& out);

  RaftConfig config_;
  StateCheck valid_;
  MemberId self_;
  Random random_;
  HardState hard_;
  Log log_;
  Index commit_{};
  Index applied_{};
  Role role_ = Role::follower;
  MemberId leader_{};
  Instant leader_heard_{INT64_MIN};
  Instant election_at_ = never;
  std::uint32_t quick_tries_ = 0;
  Instant heartbeat_at_ = never;
  Instant quorum_at_ = never;
  std::map<MemberId, bool> votes_{};
  std::uint64_t own_vote_batch_ = 0;  ///< our vote for ourselves counts once this is durable
  Index term_start_{};                ///< leader: its first entry
  std::map<MemberId, Peer> peers_{};  ///< leader: all members but itself
  std::uint64_t round_ = 0;           ///< messages with entries or chunks sent; each has its number
  std::deque<Read> reads_{};
  std::optional<Transfer> transfer_{};
  std::optional<Incoming> incoming_{};
  // The disk.
  DiskGate<Index, Message> disk_;
  bool hard_changed_ = false;
  bool snapshot_changed_ = false;
  Index changed_from_{};  ///< 0 = nothing
};

}  // namespace coterie::replication::raft
