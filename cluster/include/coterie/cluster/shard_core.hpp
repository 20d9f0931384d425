/// The data plane of one worker as a value: routes commands by shard, keeps the copies that this
/// node has of its shards, runs the entities of those that it leads, answers after commit.
/// Production and the simulator run this same class; only sink and shell differ.
///
/// Invariants: shard_log/replica.hpp's; an answer leaves only when the newest event it saw is
/// committed, and one without an event only after a confirmation round (9); a command id has its
/// effect once (12); entity sequences are contiguous (13). Every copy keeps what its log says of
/// entities and command ids up to date, so that a successor serves after its barrier. Every queue
/// is bounded by a name below; full means `busy`. Thread-safety: one owner; no clock, socket, disk
/// or thread inside.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "coterie/cluster/copy_damage.hpp"
#include "coterie/cluster/lane_credits.hpp"
#include "coterie/cluster/routes.hpp"
#include "coterie/cluster/shard_command.hpp"
#include "coterie/cluster/shard_counters.hpp"
#include "coterie/cluster/shard_delay.hpp"
#include "coterie/cluster/shard_history.hpp"
#include "coterie/cluster/shard_limits.hpp"
#include "coterie/cluster/shard_outbox.hpp"
#include "coterie/cluster/shard_sink.hpp"
#include "coterie/core/deadlines.hpp"
#include "coterie/core/watched_array.hpp"
#include "coterie/messaging/ask_table.hpp"
#include "coterie/messaging/links.hpp"
#include "coterie/replication/duplicate_table.hpp"
#include "coterie/replication/record.hpp"
#include "coterie/replication/shard_log/replica.hpp"
#include "coterie/sharding/entity_store.hpp"
#include "coterie/supervision/backoff.hpp"
#include "coterie/supervision/restart_intensity.hpp"

namespace coterie::cluster {

struct ShardCoreConfig {
  messaging::Hello self{};       ///< node, start, session; from_worker = this worker
  std::uint16_t data_workers{};  ///< of this node
  std::int64_t
      wall_offset_ms{};  ///< wall clock minus node clock at start, for the hybrid logical clock
  Duration passivate_after = 60s;  ///< an idle entity gives its state back
  std::size_t max_live_entities =
      100'000;  ///< of one worker; beyond it those not in use give theirs
  supervision::IntensityConfig entity_intensity{.restarts = 5, .period = 10s};
  supervision::BackoffConfig entity_backoff{.first = 10ms, .limit = 1s};
  Duration entity_cool_down = 10s;  ///< pause of an entity that exceeded its restart intensity
  messaging::LinkConfig links{};
  messaging::CreditConfig credits{};  ///< the same on every node
  std::uint64_t disk{};               ///< the number of the data directory
  replication::shard_log::ReplicaConfig replica{.heartbeat = 200ms, .silence = 700ms};
  /// Of a shard's events, at least; what is older is trimmed. 0: all of them are kept.
  std::uint64_t history_bytes{};
};

struct LocalAsk {
  std::uint64_t token{};
  EntityTypeId type{};
  std::string_view id{};
  std::uint8_t tag{};
  ByteView payload{};
  Instant deadline = never;
  CommandId command{};
  bool wants_reply = true;  ///< false: a tell
  bool waits = false;       ///< where the owner has too much under way: to its deadline, not `busy`
};

class ShardCore {
 public:
  /// `types` outlive the core.
  ShardCore(ShardCoreConfig config, const std::vector<sharding::EntityType>& types, Random random,
            Instant now);

  void ask(const LocalAsk& ask, Instant now, ShardSink& out);
  /// A snapshot from worker 0; where this core was told of a later epoch, that one stays.
  void routes(RoutesPtr routes, Instant now, ShardSink& out);
  void journal(replication::JournalEvent event, Instant now, ShardSink& out);
  void accepted(ConnId conn, Instant now, ShardSink& out);
  void connected(ConnId conn, ShardSink& out);
  void closed(ConnId conn, Instant now, ShardSink& out);
  void written(ConnId conn) {
    if (!full_.empty() && full_.erase(links_.lane_of(conn)) > 0)
      roomy_.push_back(links_.lane_of(conn));
    links_.written(conn);
  }
  /// Answers how many bytes were consumed; offer the rest again with more behind it.
  std::size_t received(ConnId conn, ByteView bytes, Instant now, ShardSink& out);
  [[nodiscard]] bool congested(ConnId conn) const { return links_.congested(conn); }
  /// End of a batch: staged frames leave.
  void flush(Instant now, ShardSink& out);
  void tick(Instant now, ShardSink& out);
  [[nodiscard]] Instant next_deadline() const;
  /// The wall clock, read again: somebody may have set it.
  void wall_clock(std::int64_t offset_ms) { config_.wall_offset_ms = offset_ms; }
  /// Leaving: no new local commands.
  void drain() { draining_ = true; }
  [[nodiscard]] bool quiet() const { return asks_.size() == 0 && uncommitted_ == 0; }

  [[nodiscard]] const ShardCounters& counters() const { return counters_; }
  [[nodiscard]] const messaging::LinkCounters& link_counters() const { return links_.counters(); }
  [[nodiscard]] const sharding::EntityStore& entities() const { return entities_; }
  /// This node's copy; null: there is none, or its log is being read.
  [[nodiscard]] const replication::shard_log::ShardReplica* copy_of(ShardId shard) const {
    return hosted_[shard.value].replica.get();
  }
  [[nodiscard]] std::size_t parked() const { return parked_commands_; }
  /// Every command of another node has had its end, or waits.
  [[nodiscard]] bool flow_balances() const;

 private:
  using Command = ShardCommand;
  using Parked = ParkedCommand;
  struct Answer {
    std::uint8_t status{};
    Epoch epoch{};
    ShardId shard{};
    Sequence sequence{};
    std::uint32_t retry_after_ms{};
    ByteView payload{};
  };
  struct Held {
    LogIndex index{};
    ReplyTo to{};
    Answer answer{};
    std::string payload{};  ///< most are short enough to need no memory of their own
  };
  [[nodiscard]] static std::size_t held_cost(const Held& held) {
    return sizeof held + held.payload.size();
  }
  struct Uncommitted {
    LogIndex index{};
    std::size_t bytes{};
  };
  struct Hosted : CopyDamage {
    ShardPhase phase = ShardPhase::idle;
    std::unique_ptr<replication::shard_log::ShardReplica> replica{};  ///< since its log was read
    LogIndex end{};  ///< of the journal, as far as it was asked to write
    Epoch closed{};  ///< up to here this life leads no epoch again: its disk failed in one
    Instant reopen_at = never;
    Instant failing_since = never;  ///< and could not be led since,
    std::string failure{};          ///< because of this
    Instant lead_at = never;        ///< not before: another one may read by a lease
    Instant claim_at = never;       ///< asks for an epoch after `closed`, again and again
    Instant gave_up_at{INT64_MIN};  ///< somebody else was proposed to lead on
    std::uint64_t next_batch = 1;   ///< of the journal: no number names two batches
    std::uint64_t recovery{};  ///< the token of the newest one; parts of an older one are ignored
    LogIndex applied{};        ///< what the log says up to here, is known:
    std::uint64_t chain{}, clock{};
    std::vector<replication::shard_log::EpochStart> starts{};  ///< while it is read
    ShardHistory history{};
    replication::DuplicateTable duplicates{};
    bool catching_up = false;     ///< a part of the log is being read
    Instant drain_until = never;  ///< a planned move is under way
    Instant hand_off_at{};        ///< not earlier
    Epoch handed_over{};          ///< the newest switch from here,
    Instant forwards_until{};     ///< and what comes late is sent on until then
    // The primary's.
    std::deque<Uncommitted> uncommitted{};
    std::deque<Held> held{};
    std::deque<Held> reads{};  ///< they wait for a confirmation round
    std::size_t in_round = 0;  ///< so many of them for the one under way
    ParkedCommands parked{};
    ShardDelay delay{};                           ///< as it was reported
    std::vector<sharding::EntitySlot> waiting{};  ///< activations that wait for the disk
  };
  struct LogReader {
    ShardId shard{};
    std::optional<replication::shard_log::ReadLog> for_peer{};
    LogIndex until{};  ///< for this copy's view: what was durable when it was asked for
  };
  struct Faults {
    supervision::RestartIntensity intensity;
    supervision::Backoff backoff;
    Instant restart_at{};
  };

  // shard_core.cpp
  void dispatch(const Command& command, Instant now, ShardSink& out);
  void forward(const Command& command, const Route& route, Instant now, ShardSink& out);
  void drop_expired(ParkedCommands& queue, Instant now, ShardSink& out);
  [[nodiscard]] bool waits_in_vain(ShardId shard, Instant now) const;
  bool park_for_news(const Command& command, Instant now);
  [[nodiscard]] bool park_in_order(ParkedCommands& queue, const Command& command);
  // shard_credits.cpp
  bool park(ParkedCommands& queue, const Command& command);
  void unhold(const Parked& parked);
  [[nodiscard]] static bool is_remote(const Command& command);
  [[nodiscard]] bool has_credit(const Command& command, messaging::LaneId lane, Instant now) const;
  bool take_credit(const Command& command, const Route& route, Instant now, ShardSink& out);
  [[nodiscard]] bool wait_in_turn(const Command& command, messaging::LaneId lane);
  bool wait_for_room(const Command& command, const Route& route);
  void use_room(Instant now, ShardSink& out);
  bool on_credit(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out);
  void retry_waiting(Instant now, ShardSink& out);
  void send_grants();
  void unpark(ParkedCommands& queue, Instant now, ShardSink& out);
  void answer(const ReplyTo& to, const Answer& answer, ShardSink& out);
  void finish_ask(const messaging::OpenAsk& open, Completion completion, ShardSink& out);
  void fail(const Command& command, Errc code, std::string_view detail, Duration retry_after,
            ShardSink& out);
  // shard_hand_off.cpp
  void hand_off(ShardId shard, Instant now, ShardSink& out);
  void begin_hand_off(ShardId shard, Instant now, ShardSink& out);
  void abort_hand_off(ShardId shard, Instant now, ShardSink& out);
  void send_parked_on(ShardId shard, Instant now, ShardSink& out);
  void relay(const Command& command, const Route& route, Instant now, ShardSink& out);
  void tell_placement(messaging::LaneId lane, ShardId shard);
  bool on_placement(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out);
  [[nodiscard]] const Peer* peer(std::string_view name) const;
  // shard_fence.cpp
  void raise_fence(ShardId shard, const Route& old);
  [[nodiscard]] bool fenced(const Command& command, ShardSink& out);
  bool on_fence(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out);
  bool on_fence_passed(ByteView body, Instant now, ShardSink& out);
  void pass_fence(const Command& command, Instant now, ShardSink& out);
  void lower_fence(ShardId shard, std::uint64_t number, Instant now, ShardSink& out);
  void drop_fences(messaging::LaneId through);
  void tick_fences(Instant now, ShardSink& out);
  // shard_resend.cpp
  [[nodiscard]] static Completion unknown_outcome(std::string_view why);
  [[nodiscard]] static Completion of_lost(const Completion& completion);
  void lose(const std::vector<std::uint64_t>& asks, bool went_nowhere, ShardSink& out);
  [[nodiscard]] bool may_be_decided_again(const messaging::OpenAsk& ask) const;
  bool hold_back(const Command& command);
  void note_sent(const Command& command);
  bool hold_for_owner(const Command& command, Instant now);
  [[nodiscard]] bool leads_somewhere(const Route& route) const;
  [[nodiscard]] static Instant noted_away(Route& route, Instant now);
  void look_again(Instant now, ShardSink& out);
  // shard_routing.cpp
  void rebuild_routes();
  [[nodiscard]] Route route_of(ShardId shard) const;
  void take_link_effects(messaging::LinkEffects&& effects, ShardSink& out);
  void on_request(messaging::LaneId lane, const wire::RequestView& request, Instant now,
                  ShardSink& out);
  void on_reply(messaging::LaneId lane, const wire::ReplyView& reply, Instant now, ShardSink& out);
  void send_moved(const Command& command, ShardSink& out);
  void answer_moved(const ReplyTo& to, ShardId shard, ShardSink& out);
  bool on_control(const messaging::Frame& frame, Instant now, ShardSink& out);
  void abandon_moved(ShardSink& out);
  bool learn(ShardId shard, const replication::Register& newer, Instant now, ShardSink& out);
  // shard_hosting.cpp
  void host(Instant now, ShardSink& out);
  [[nodiscard]] bool names_us(const replication::Register& entry) const;
  void start_recovery(std::vector<ShardId> shards, ShardSink& out);
  void recovered(ShardId shard, const Bytes& record, std::uint64_t token, Instant now,
                 ShardSink& out);
  void finish_recovery(const replication::RecoveryFinished& done, Instant now, ShardSink& out);
  void hand_in(ShardId shard, Instant now, ShardSink& out);
  [[nodiscard]] Bytes barrier_of(ShardId shard, Epoch epoch, Instant now);
  void claim(ShardId shard, Instant now, ShardSink& out);
  void give_up(ShardId shard, Instant now, ShardSink& out);
  void close_shard(ShardId shard, const Error& why, Instant reopen_at, Instant now, ShardSink& out);
  void set_phase(ShardId shard, ShardPhase phase, const std::string& detail, ShardSink& out);
  void tick_shards(Instant now, ShardSink& out);
  [[nodiscard]] Instant shards_due() const;
  void report_lags(Instant now, ShardSink& out);
  [[nodiscard]] bool too_few_up(ShardId shard) const;
  std::uint64_t tick_clock(Hosted& hosted, Instant now) const;
  [[nodiscard]] std::uint64_t wall_ms(Instant now) const;
  // shard_repair.cpp
  [[nodiscard]] replication::raft::MemberId self(ShardId shard) const;
  [[nodiscard]] bool is_ours(const replication::raft::MemberId& member) const;
  [[nodiscard]] bool has_others(const replication::Register& entry) const;
  [[nodiscard]] bool has_company(const replication::Register& entry) const;
  [[nodiscard]] bool needs_name(ShardId shard) const;
  void note_leader(ShardId shard, const replication::shard_log::Message& message);
  void find_damage(const replication::RecoveredLog& log);
  void close_damaged(ShardId shard, Instant now, ShardSink& out);
  void repair(ShardId shard, Instant now, ShardSink& out);
  void propose_name(ShardId shard, const replication::raft::MemberId& name, Instant now,
                    ShardSink& out);
  void renew(ShardId shard, ShardSink& out);
  bool renewed(const replication::Appended& done, Instant now);
  // shard_replication.cpp
  void take(ShardId shard, replication::shard_log::Effects&& effects, Instant now, ShardSink& out);
  void replicate(ShardId shard, Bytes&& record, Instant now, ShardSink& out);
  void write(ShardId shard, replication::shard_log::Persist&& persist, Instant now, ShardSink& out);
  void transmit(ShardId shard, const replication::shard_log::Message& message);
  bool on_shard_log(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out);
  void committed(Hosted& hosted, LogIndex index, ShardSink& out);
  void step_down(ShardId shard, const Answer& why, ShardSink& out);
  void rehome_mailboxes(ShardId shard);
  void follow_phase(ShardId shard, Instant now, ShardSink& out);
  // shard_view.cpp
  [[nodiscard]] static std::string check_next(const Hosted& hosted,
                                              const replication::RecordView& record,
                                              ByteView bytes);
  [[nodiscard]] static LogIndex expected(const Hosted& hosted);
  void apply(Hosted& hosted, const replication::RecordView& record, ByteView bytes);
  void cancel_reading(ShardId shard);
  void forget(ShardId shard);
  void catch_up(ShardId shard, ShardSink& out);
  void log_read(const replication::LogRead& part, Instant now, ShardSink& out);
  // shard_trim.cpp
  void apply_checkpoint(Hosted& hosted, const replication::RecordView& record, ByteView bytes);
  void begin_anew(ShardId shard, const replication::shard_log::Base& base, ShardSink& out);
  void trim(ShardId shard, ShardSink& out);
  void trim_histories(Instant now, ShardSink& out);
  void write_checkpoint(ShardId shard, Instant now, ShardSink& out);
  void save_for_trim(Instant now, ShardSink& out);
  void save_if_needed(sharding::EntitySlot slot, Instant now, ShardSink& out);
  [[nodiscard]] static bool may_shorten(const Hosted& hosted);
  void tell_untrimmable(ShardId shard, std::string_view why, ShardSink& out);
  // shard_journal.cpp
  void appended(const replication::Appended& done, Instant now, ShardSink& out);
  void append_failed(const replication::AppendFailed& failure, Instant now, ShardSink& out);
  void hold(std::deque<Held>& queue, LogIndex index, const ReplyTo& to, const Answer& answer,
            ShardSink& out);
  void answer_read(Hosted& hosted, LogIndex index, const ReplyTo& to, const Answer& answer,
                   ShardSink& out);
  void start_rounds(Instant now, ShardSink& out);
  void reads_ready(Hosted& hosted, ShardSink& out);
  void send_back(ShardId shard, std::deque<Held>& queue, ShardSink& out);
  void answer_held(std::deque<Held>& queue, const Answer& why, ShardSink& out);
  // shard_entities.cpp
  void deliver(Hosted& hosted, const Command& command, Instant now, ShardSink& out);
  void decide(Hosted& hosted, sharding::EntitySlot slot, const Command& command, Instant now,
              ShardSink& out);
  void persist(Hosted& hosted, sharding::EntitySlot slot, const Command& command, Instant now,
               ShardSink& out);
  void activate(sharding::EntitySlot slot, ShardSink& out);
  void begin_replay(sharding::EntitySlot slot, bool whole, ShardSink& out);
  [[nodiscard]] std::string fold(sharding::Entity& entity, const replication::RecordView& record,
                                 bool& unreadable_snapshot);
  void save_if_due(Hosted& hosted, sharding::EntitySlot slot, Instant now, ShardSink& out);
  bool save(Hosted& hosted, sharding::EntitySlot slot, Instant now, ShardSink& out);
  void make_room(Instant now);
  [[nodiscard]] bool remembers() const;
  void remember(Instant now, ShardSink& out);
  [[nodiscard]] bool may_passivate(const sharding::Entity& entity) const;
  [[nodiscard]] bool misses_trimmed(ShardId shard, const std::vector<Bytes>& records) const;
  void replayed(const replication::Replayed& replayed, Instant now, ShardSink& out);
  void fault(sharding::EntitySlot slot, const std::string& reason, Instant now, ShardSink& out);
  [[nodiscard]] std::optional<Duration> resting(sharding::EntitySlot slot, Instant now) const;

  ShardCoreConfig config_;
  const std::vector<sharding::EntityType>& types_;
  messaging::Links links_;
  messaging::AskTable asks_;
  RoutesPtr current_{};
  std::array<Route, sharding::shard_count> route_{};
  WatchedArray<Hosted, sharding::shard_count> hosted_{};
  /// When each shard wants a tick; of those touched since, looked at anew in next_deadline().
  mutable Deadlines<sharding::shard_count> due_{};
  sharding::EntityStore entities_{};
  std::map<sharding::EntitySlot, ParkedCommands> mailboxes_{};  ///< of entities being activated
  std::map<sharding::EntitySlot, Faults> faults_{};
  struct Replay {
    sharding::EntitySlot slot{};
    bool whole = false;
  };
  std::map<std::uint64_t, Replay> replays_{};
  std::map<std::uint64_t, LogReader> log_readers_{};
  std::map<std::uint64_t, ReplyTo> relays_{};  ///< by the token of their ask
  std::map<ShardId, Fence> fences_{};
  /// By the hash of the entity; where two share a place, the older one's is said to be late.
  std::vector<std::uint64_t> newest_sent_ = std::vector<std::uint64_t>(newest_sent_places);
  LaneCredits credits_;
  ShardOutbox outbox_;
  /// Commands that wait for credit, by lane and group.
  std::map<std::pair<messaging::LaneId, std::size_t>, ParkedCommands> waiting_{};
  bool look_again_ = false;               ///< at these: a lane or a route is another one
  std::vector<ShardId> rounds_wanted_{};  ///< shards with reads that are in no round yet
  ParkedCommands unrouted_{};  ///< they wait for the table or for a lane's first connection
  std::size_t parked_commands_ = 0, parked_bytes_ = 0, uncommitted_ = 0;
  std::size_t uncommitted_bytes_ = 0, held_bytes_ = 0, held_remote_ = 0;
  std::uint64_t next_read_ = 1, next_relay_ = 1, next_fence_ = 1, next_order_ = 1;
  Instant next_sweep_{}, next_lag_report_{}, next_remember_{}, next_trim_{};
  sharding::EntitySlot remember_hand_ = 0, trim_hand_ = 0;
  bool draining_ = false, told_untrimmable_ = false, looks_at_disk_ = false;
  bool lane_came_up_ = false;               ///< commands that waited for it may go
  std::set<messaging::LaneId> full_{};      ///< commands that wait for credit wait for room there
  std::vector<messaging::LaneId> roomy_{};  ///< something was written to these since
  sharding::Outcome outcome_{};
  std::vector<replication::EventView> event_views_{};  ///< of outcome_, as its record has them
  ShardCounters counters_{};
};

}  // namespace coterie::cluster
