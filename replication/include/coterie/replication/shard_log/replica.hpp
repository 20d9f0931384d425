/// One replica of one shard's log as a value: primary while the register says so, else backup or
/// learner. Source: placement contract, invariants 1 to 10; PacificA (Lin 2008).
///
/// Invariants, asserted by the simulator (sim/shard_group.hpp) after every event: what is committed
/// is on the disk of every member of the register's in-sync set and never changes; whoever serves
/// has all of it; nobody acknowledges or leads below what it promised; a read sees everything that
/// was committed before it. Nothing that depends on the disk is said before the disk has it.
/// Records are opaque: their checksums and chain are the journal's. Thread-safety: one owner; no
/// clock, socket or disk inside.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "coterie/core/time.hpp"
#include "coterie/replication/disk_gate.hpp"
#include "coterie/replication/shard_log/messages.hpp"

namespace coterie::replication::shard_log {

/// No clock runs faster or slower than another by more than a 64th.
inline constexpr std::int64_t lease_drift = 64;
/// Rounds of which it is remembered when they were asked; more than a lease has time for.
inline constexpr std::size_t max_rounds_asked = 256;

struct ReplicaConfig {
  Duration heartbeat = 100ms;      ///< of a primary, and until something lost is sent again
  Duration silence = 700ms;        ///< after which a member is proposed out of I
  Duration propose_again = 200ms;  ///< until the outcome is known
  Duration take_back = 1s;  ///< a switch without an outcome: it is proposed to lead on instead
  std::size_t batch_bytes = 256 * 1024;      ///< of the entries of one message
  std::size_t tail_bytes = 4 * 1024 * 1024;  ///< kept in memory for who lags; older is read again
  std::size_t max_uncommitted = 65'536;      ///< entries; more is refused as busy
  std::size_t max_held = 256;                ///< messages that wait for the disk; the oldest go
  std::size_t max_reads = 4096;              ///< that wait for their round
  /// After a round reads need none for so long, and a fail-over takes no less. The same on every
  /// node; 0: each read has its round. Source: invariant 9, docs/adr/0011-leases.md.
  Duration lease{};
};

class ShardReplica {
 public:
  ShardReplica(ReplicaConfig config, Replica self, StartId start, Stored stored);

  /// The register, whoever told of it: an older one than the newest seen is ignored. `barrier` is
  /// the record of NewEpoch, behind last(), for the case that this replica leads it.
  [[nodiscard]] Effects assigned(const Assignment& assignment, Instant now, Bytes barrier = {});
  [[nodiscard]] Effects receive(const Message& message, Instant now);
  [[nodiscard]] Effects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] Effects persisted(std::uint64_t batch, Instant now);
  [[nodiscard]] Effects log_read(const ReadLog& asked, std::vector<Entry> entries);

  /// The index at which the record commits, if it does; nullopt: does not serve, or too much is
  /// uncommitted.
  [[nodiscard]] std::optional<LogIndex> append(Bytes record, Effects& out);
  /// Answered by ReadReady or ReadFailed.
  [[nodiscard]] Effects read(std::uint64_t token, Instant now);
  /// What comes before `first`, all of it committed, is not needed any more: who lacks some of it
  /// gets the log from there on. The caller's log has to make sense from there.
  void trim(LogIndex first);
  /// Somebody is to lead this epoch: below it no lease is granted any more.
  void expect(Epoch later) { later_ = std::max(later_, later); }
  /// Until then another one may read by a lease that was granted here, and assigned() does not let
  /// this replica lead.
  [[nodiscard]] Instant granted_until() const { return granted_until_; }

  /// Step 5 of a planned move is possible: `to` is in sync, and nothing is on its way.
  [[nodiscard]] bool may_hand_over(const Replica& to) const;
  /// From here on nothing is taken, and `to` is proposed as primary until the register shows a
  /// later epoch: this one neither serves nor reads before. Where the outcome stays unknown for
  /// `take_back` it proposes itself: whichever lands first holds.
  [[nodiscard]] Effects hand_over(const Replica& to, StartId start, Instant now);

  [[nodiscard]] bool leads() const { return leading_; }
  /// append() would take a record now.
  [[nodiscard]] bool accepts() const {
    return serves() && last_.value - commit_.value < config_.max_uncommitted;
  }
  [[nodiscard]] bool serves() const { return leading_ && serving_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Epoch promised() const { return promised_; }
  [[nodiscard]] LogIndex first() const { return next(base_.last); }
  [[nodiscard]] const Base& base() const { return base_; }
  [[nodiscard]] Epoch last_epoch() const { return epoch_at(last_); }
  [[nodiscard]] LogIndex last() const { return last_; }
  [[nodiscard]] LogIndex commit() const { return commit_; }
  /// The number that the next Persist has.
  [[nodiscard]] std::uint64_t next_batch() const { return disk_.next_batch(); }
  /// Entries that the copy furthest behind has not acknowledged; of a primary.
  [[nodiscard]] std::uint64_t lag() const;
  [[nodiscard]] LogIndex durable() const { return disk_.durable(); }
  [[nodiscard]] const Assignment& assignment() const { return assignment_; }
  [[nodiscard]] const Replica& self() const { return self_; }

 private:
  struct Peer {
    LogIndex next{};
    LogIndex match{};
    Instant heard{};
    std::uint64_t sent = 0, answered = 0;  ///< one message with entries is under way at a time
    std::uint64_t confirmed = 0;           ///< newest round
    Instant leased_until{};
    bool reading = false;   ///< its entries come from the disk
    bool discards = false;  ///< it claims as committed what we never had
  };
  struct Round {
    std::uint64_t number{};
    Instant asked{};
  };
  struct Read {
    std::uint64_t token{};
    std::uint64_t round{};
    LogIndex index{};
  };

  // replica.cpp
  [[nodiscard]] Effects finish(Effects out);
  void say(const Replica& to, decltype(Message::body) body, Effects& out) const;
  void say_durably(const Message& to, decltype(Message::body) body);
  [[nodiscard]] Epoch epoch_at(LogIndex index) const;
  [[nodiscard]] LogIndex first_of_epoch(LogIndex index) const;
  void append_entry(Entry entry);
  void truncate_from(LogIndex index);
  void trim_tail();
  void begin_anew(Base base);
  // backup.cpp
  void on(const Message& message, const Append& append, Instant now, Effects& out);
  void on(const Message& message, const Confirm& confirm, Instant now, Effects& out);
  [[nodiscard]] std::variant<Accepted, Refused> take(const Append& append);
  [[nodiscard]] bool is_nobodys(const Append& append) const;
  [[nodiscard]] std::optional<Refused> find_place(const Append& append);
  // primary.cpp
  void lead(Instant now, Bytes barrier, Effects& out);
  void open_epoch(Bytes barrier);
  void step_down(Effects& out);
  void on(const Message& message, const Accepted& accepted, Instant now, Effects& out);
  void on(const Message& message, const Refused& refused, Instant now, Effects& out);
  void on(const Message& message, const Confirmed& confirmed, Instant now, Effects& out);
  void know_peers(Instant now);
  [[nodiscard]] Instant next_heartbeat(Instant now) const;
  void send_entries(const Replica& to, Peer& peer, bool again, Effects& out);
  void send(const Replica& to, Peer& peer, LogIndex from, std::vector<Entry> entries, Effects& out);
  void broadcast(bool again, Effects& out);
  void advance_commit(Effects& out);
  void finish_reads(Effects& out);
  // lease.cpp
  void on(const Message& message, const Release& release, Instant now, Effects& out);
  void ask_round(Instant now, Effects& out);
  [[nodiscard]] bool has_lease(Instant now) const;
  void renew_lease(Instant now, Effects& out);
  void take_lease(Peer& peer, const Confirmed& confirmed, Instant now);
  void release_leases(Effects& out);
  [[nodiscard]] bool is_bound(const Replica& leader, Instant now) const;
  [[nodiscard]] Duration grant(const Message& message, Duration asked, Instant now);
  void take_deferred(Instant now, Effects& out);
  // in_sync.cpp
  [[nodiscard]] std::vector<Replica> ack_set() const;
  void tick_in_sync(Instant now, Effects& out);
  void propose(std::vector<Replica> in_sync, Instant now, Effects& out);
  [[nodiscard]] bool is_caught_up(const Replica& replica) const;

  ReplicaConfig config_;
  Replica self_;
  StartId start_;
  Assignment assignment_{};
  // The log.
  Base base_{};
  std::vector<EpochStart> starts_{};  ///< behind it
  LogIndex last_{};
  LogIndex commit_{};  ///< known here; a backup learns it late
  Epoch forced_{};     ///< the newest epoch for which commit_ was given up
  Epoch promised_{};
  std::deque<Entry> tail_{};  ///< the newest entries, up to last_
  std::size_t tail_bytes_ = 0;
  // The primary.
  bool leading_ = false, serving_ = false;
  Epoch epoch_{};
  LogIndex barrier_{};  ///< of this epoch
  std::map<Replica, Peer> peers_{};
  std::uint64_t numbers_ = 0, rounds_ = 0;
  std::deque<Read> reads_{};
  std::deque<Round> asked_{};  ///< of this epoch, for leases
  Instant heartbeat_at_ = never;
  Instant ticked_{};
  std::optional<Replica> widened_{};      ///< a learner whose acknowledgement is waited for already
  std::optional<Assignment> proposal_{};  ///< its outcome is not known
  Instant propose_at_ = never;
  Instant take_back_at_ = never;  ///< of a switch that is proposed
  // What was granted to a primary.
  Replica granted_to_{};
  Instant granted_until_{};
  Epoch later_{};  ///< somebody is to lead this one: nothing is granted below it
  std::optional<Message> deferred_{};  ///< of a later primary; it waits for that
  // The disk.
  DiskGate<LogIndex, Message> disk_;
  LogIndex changed_from_{};  ///< 0 = nothing
  bool promised_changed_ = false;
  bool begins_ = false;  ///< behind another base
};

}  // namespace coterie::replication::shard_log
