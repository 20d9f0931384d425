/// SWIM membership as a value (Das, Gupta, Motivala, DSN 2002), speaking the memberlist wire
/// protocol over datagrams and one-shot streams. Inputs and `now` go in, effects come out;
/// `next_deadline()` stands for every timer.
///
/// Deviations from the paper, as in memberlist: round-robin probing with a TCP fallback, a separate
/// gossip tick, periodic push/pull. Lifeguard (lifeguard.hpp) is on unless the configuration says
/// otherwise; the layers of packet_layer.hpp go around `receive` and `send`. Phi accrual (phi.hpp)
/// sets each peer's probe time-out.
///
/// Invariants: only this node raises its own incarnation; a dead or left member returns only by a
/// higher incarnation or as a new instance; every map is bounded (swim_config.hpp). Thread-safety:
/// one owner; no clock, socket or thread inside.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/random.hpp"
#include "coterie/gossip/broadcast_queue.hpp"
#include "coterie/gossip/digest.hpp"
#include "coterie/membership/details.hpp"
#include "coterie/membership/event_layer.hpp"
#include "coterie/membership/member_table.hpp"
#include "coterie/membership/path_mtu.hpp"
#include "coterie/membership/phi.hpp"
#include "coterie/membership/probe_order.hpp"
#include "coterie/membership/self_test.hpp"
#include "coterie/membership/serf.hpp"
#include "coterie/membership/swim_config.hpp"
#include "coterie/membership/swim_effects.hpp"
#include "coterie/wire/native_messages.hpp"
#include "coterie/wire/push_pull.hpp"

namespace coterie::membership {

/// What is shared comes with the first exchange; who has had none for so long is alone.
inline constexpr Duration shared_timeout = 10s;

class Swim {
 public:
  /// `name` and `advertised` are this node's; `meta` at most 512 bytes.
  Swim(SwimConfig config, std::string name, Address advertised, Bytes meta, Random random,
       Instant now);

  /// Exchanges state with each seed until one answers; retries for ever with back-off.
  [[nodiscard]] SwimEffects join(std::vector<Address> seeds, Instant now);
  /// Other seeds from now on; the pool is looked for there if it was not found yet.
  [[nodiscard]] SwimEffects set_seeds(std::vector<Address> seeds, Instant now);
  /// Takes over a state that is already known to all, without gossiping it: for simulations that
  /// begin with a formed pool of which all are alive. Before anything else.
  void know(const wire::PushPull& state, Instant now);
  /// Broadcasts our leave; LeaveFinished follows. Probes are still answered.
  [[nodiscard]] SwimEffects leave(Instant now);
  /// Publishes new metadata under a higher incarnation.
  [[nodiscard]] SwimEffects update_meta(Bytes meta, Instant now);

  /// What we say of ourselves beyond the metadata, at most wire::max_details_bytes; the metadata
  /// has to announce its hash (NodeMeta::details) to those who shall fetch it.
  [[nodiscard]] SwimEffects set_details(Bytes details, Instant now);

  /// Changes the shared state; in native pools alone. What is too large or beyond the state's bound
  /// is counted and dropped: callers check gossip::max_shared_change.
  [[nodiscard]] SwimEffects share(const gossip::SharedChange& change, Instant now);
  [[nodiscard]] const gossip::SharedState& shared() const { return shared_; }
  /// Somebody has told us since our start what is shared, or there is nobody to ask, or nobody who
  /// answers. Before that a removal removes nothing: it is of what was seen. (Of two that start at
  /// the same moment each may have been told by the other alone.)
  [[nodiscard]] bool knows_shared(Instant now) const {
    return told_shared_ || now - begun_ >= shared_timeout;
  }

  /// Broadcasts an event to all, ourselves included. Name and payload have at most max_event_bytes.
  [[nodiscard]] SwimEffects broadcast(std::string name, Bytes payload, bool coalesce, Instant now);
  /// Asks all, ourselves included; QueryAnswer and at last QueryFinished follow under `query`, a
  /// number of the caller's. Name and payload have at most max_query_bytes. A time-out of zero is
  /// Serf's default, which grows with the pool.
  [[nodiscard]] SwimEffects query(std::uint64_t query, std::string name, Bytes payload,
                                  Duration timeout, Instant now);
  /// Answers QueryAsked with at most max_answer_bytes; once, and not after its deadline.
  [[nodiscard]] SwimEffects answer(std::uint64_t query, Bytes payload, Instant now);

  [[nodiscard]] SwimEffects receive(const Address& from, ByteView datagram, Instant now);
  [[nodiscard]] SwimEffects stream_accepted(ConnId stream, Instant now);
  [[nodiscard]] SwimEffects stream_received(ConnId stream, ByteView bytes, Instant now);
  /// The peer closed, the dial failed or the connection was reset.
  [[nodiscard]] SwimEffects stream_closed(ConnId stream, Instant now);
  /// Of the last `over`, this process was ready to run for `waited` and did not: other processes or
  /// other machines had the processor. Much of that is our own ill health.
  [[nodiscard]] SwimEffects starved(Duration waited, Duration over, Instant now);
  /// The kernel refused a datagram to `to` as too large for its path.
  void too_large(const Address& to, Instant now) { paths_.refused(to, now); }
  /// A heartbeat of a member arrived on its link; or its link ended, so that no more will.
  void beat(const std::string& member, Instant now);
  void beats_ended(const std::string& member);
  /// Time passed; extra calls are no-ops.
  [[nodiscard]] SwimEffects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] const MemberTable& members() const { return members_; }
  [[nodiscard]] const Member& self() const { return members_.at(name_); }
  /// Alive or suspect, ourselves included.
  [[nodiscard]] std::size_t present() const { return present_; }
  [[nodiscard]] bool joined() const { return seeds_.empty() || joined_; }
  [[nodiscard]] const SwimCounters& counters() const { return counters_; }
  /// Lifeguard's multiplier: 0 is well.
  [[nodiscard]] std::uint32_t health() const { return health_.score(); }
  /// False while this member holds itself at fault: self_test.hpp.
  [[nodiscard]] bool in_office() const { return self_test_.in_office(); }
  /// How suspicious a member's silence is: phi.hpp. 0 for ourselves and for strangers.
  [[nodiscard]] double phi(const std::string& name, Instant now) const;
  /// May change while the pool runs: install everywhere, use everywhere, remove.
  [[nodiscard]] wire::Keyring& keys() { return packet_.keys(); }
  [[nodiscard]] std::uint64_t refusals() const { return packet_.refusals(); }

 private:
  struct Probe {
    std::string target{};
    std::uint32_t sequence{};
    Address to{};
    std::size_t bytes{};  ///< of the ping's datagram
    Instant indirect_at{};
    Instant ends_at{};
    bool asked_helpers = false;
    bool acked = false;
    std::uint32_t nacks_expected = 0, nacks = 0;
    ConnId stream{};
  };
  /// A suspicion holds for one incarnation.
  struct Suspected {
    Suspicion suspicion;
    Incarnation incarnation{};
    std::int32_t asked = 0;  ///< so often for a last word
    Instant may_answer_until{};
    /// Of the next question for a last word, or after all of them of its death.
    [[nodiscard]] Instant next_deadline() const {
      return std::max(suspicion.expires() - last_word_pause * (last_words - asked),
                      may_answer_until);
    }
  };
  /// Others are asked about a member that we suspect.
  struct Hearing {
    std::string target{};
    std::uint32_t sequence{};
    std::uint32_t jurors = 0, nacks = 0;
    Instant ends_at{};
  };
  struct Relay {
    Address requester{};
    std::uint32_t requester_sequence{};
    bool nack = false;
    Instant nack_at{};  ///< never once it was sent
    Instant expires{};
  };
  enum class StreamKind : std::uint8_t {
    inbound,
    push_pull,
    join,
    tcp_ping,
    digest,
    one_way,
    details,
    shared
  };
  struct Stream {
    StreamKind kind = StreamKind::inbound;
    Bytes buffer{};
    wire::PushPullReader reader{};  ///< of a state exchange that arrives in pieces
    Instant expires{};
    Address peer{};
    std::string about{};  ///< whose details were asked for
  };

  // swim.cpp
  /// With whatever broadcasts fit behind; the bytes of the datagram.
  std::size_t send(const Address& to, std::vector<Bytes> messages, SwimEffects& out);
  std::size_t post(const Address& to, const std::vector<Bytes>& messages, bool checksum,
                   SwimEffects& out);
  void refuse(wire::Refusal why, const std::string& from, Instant now, SwimEffects& out);
  void handle_message(const Address& from, ByteView message, int nesting, Instant now,
                      SwimEffects& out);
  void handle_ping(const Address& from, ByteView body, SwimEffects& out);
  void handle_indirect_ping(const Address& from, ByteView body, Instant now, SwimEffects& out);
  void handle_ack(ByteView body, Instant now, SwimEffects& out);
  [[nodiscard]] wire::Source source() const { return {self().gossip, name_}; }
  // swim_claims.cpp: the merge rules of section 11.2
  void on_alive(const wire::Alive& claim, Instant now, SwimEffects& out);
  void on_suspect(const wire::Suspect& claim, Instant now, SwimEffects& out);
  void on_dead(const wire::Dead& claim, Instant now, SwimEffects& out);
  [[nodiscard]] bool may_take_over(const Member& known, Instant now) const;
  void refute(std::uint32_t accused, SwimEffects& out);
  void contradict(const Member& member);
  [[nodiscard]] Bytes own_claim() const;
  void broadcast_self();
  void remind(const std::string& accuser, SwimEffects& out);
  void set_state(Member& member, MemberState state, Instant now, SwimEffects& out);
  void tick_suspicions(Instant now, SwimEffects& out);
  void ask_for_a_last_word(const std::string& name, Suspected& suspected, Instant now,
                           SwimEffects& out);
  void tick_tombstones(Instant now);
  // swim_probe.cpp: section 11.3
  void tick_probe(Instant now, SwimEffects& out);
  void start_probe(Instant now, SwimEffects& out);
  void ask_helpers(Instant now, SwimEffects& out);
  void finish_probe(Instant now, SwimEffects& out);
  void tick_relays(Instant now, SwimEffects& out);
  void handle_nack(const wire::Nack& nack, Instant now);
  void judge_health(const Probe& probe);
  [[nodiscard]] Duration patience(const PhiDetector& peer) const;
  void probe_answered(Instant now, bool directly);
  // swim_jury.cpp
  void summon_jury(const Probe& probe, Instant now, SwimEffects& out);
  /// True if the sequence is the hearing's.
  [[nodiscard]] bool hear_ack(std::uint32_t sequence);
  [[nodiscard]] bool hear_nack(std::uint32_t sequence);
  // swim_self_test.cpp
  [[nodiscard]] bool may_accuse(const std::string& accuser) const;
  /// Out of office it keeps what it thinks of others to itself.
  [[nodiscard]] bool speaks_up(const std::string& from) const {
    return from != name_ || self_test_.in_office();
  }
  void on_accused(const wire::Suspect& claim, Instant now, SwimEffects& out);
  void on_declared_dead(std::uint32_t incarnation, Instant now, SwimEffects& out);
  [[nodiscard]] bool refutes_at_once(std::uint32_t incarnation, Instant now) const;
  void defend(Instant now);
  [[nodiscard]] std::size_t judges() const;
  [[nodiscard]] std::vector<const Member*> whom_to_ask(Instant now);
  void step_down(Instant now, SwimEffects& out);
  void probe_unanswered(Instant now);
  void tick_self_test(Instant now, SwimEffects& out);
  // swim_health.cpp
  void notice_pause(Instant now, SwimEffects& out);
  [[nodiscard]] Suspicion new_suspicion(const std::string& accuser, Instant now) const;
  // swim_gossip.cpp: section 11.5
  void tick_gossip(Instant now, SwimEffects& out);
  void tick_leave(Instant now, SwimEffects& out);
  void tick_intent(Instant now, SwimEffects& out);
  void say_joined();
  // swim_events.cpp: Serf's user messages
  void on_user(ByteView body, Instant now, SwimEffects& out);
  void pass_on(ByteView body);
  [[nodiscard]] bool is_member_at(const Address& address) const;
  void on_event(const wire::SerfEvent& event, Instant now, SwimEffects& out);
  void on_query(const wire::SerfQuery& query, ByteView body, Instant now, SwimEffects& out);
  void on_answer(const wire::SerfAnswer& answer, SwimEffects& out);
  void send_answer(const AskedQuery& asked, const wire::SerfAnswer& answer, Instant now,
                   SwimEffects& out);
  [[nodiscard]] std::optional<Bytes> answer_about_keys(const wire::SerfQuery& query);
  void witness_events(ByteView user_state, Instant now, SwimEffects& out);
  void tick_queries(Instant now, SwimEffects& out);
  /// Costs as much as it draws, unless few are eligible.
  [[nodiscard]] std::vector<const Member*> random_members(std::size_t count, bool with_recent_dead,
                                                          std::string_view except, Instant now);
  // swim_join.cpp
  void tick_join(Instant now, SwimEffects& out);
  void settle(Instant now);
  [[nodiscard]] bool is_joining() const;  ///< an exchange with a seed is under way
  void rest(Instant now);
  void tick_reconnect(Instant now, SwimEffects& out);
  // swim_streams.cpp
  void tick_streams(Instant now, SwimEffects& out);
  ConnId open_stream(StreamKind kind, const Address& to, Bytes bytes, Instant now,
                     SwimEffects& out);
  [[nodiscard]] bool answer_ping(ConnId id, ByteView input, bool whole, SwimEffects& out);
  void answer_inbound(ConnId id, Stream& stream, const wire::StreamMessage& in, Instant now,
                      SwimEffects& out);
  void read_answer(ConnId id, Stream& stream, const wire::StreamMessage& in, Instant now,
                   SwimEffects& out);
  void end_stream(ConnId id, SwimEffects& out);
  void answer_stream(ConnId id, Bytes message, SwimEffects& out);

  // swim_details.cpp
  void note_details(const Member& member, Instant now, SwimEffects& out);
  void tick_details(Instant now, SwimEffects& out);
  [[nodiscard]] Bytes answer_details(std::string_view name) const;
  void read_details(const std::string& name, const wire::NativeMessage& message, SwimEffects& out);
  // swim_shared.cpp
  bool share(const gossip::SharedChange& change, SwimEffects& out);
  void gossip_delta(ByteView entries);
  bool merge_shared(ByteView entries, SwimEffects& out);
  void compare_shared(const Address& peer, bool fresh, Instant now, SwimEffects& out);
  [[nodiscard]] bool answer_shared(ConnId id, const wire::NativeMessage& message, SwimEffects& out);
  void read_shared(const Address& peer, const wire::NativeMessage& message, Instant now,
                   SwimEffects& out);
  // swim_exchange.cpp: section 11.6, and digests between our own
  void tick_push_pull(Instant now, SwimEffects& out);
  [[nodiscard]] bool is_told(const Member& member, Instant now) const;
  void send_state(StreamKind kind, const Address& to, Instant now, SwimEffects& out);
  [[nodiscard]] wire::PushPull answer_state(const wire::PushPull& asked, Instant now) const;
  [[nodiscard]] gossip::Digest digest() const;
  [[nodiscard]] wire::PushPull facts_in(const wire::PartSet& parts, Instant now) const;
  void answer_native(ConnId id, const wire::NativeMessage& message, Instant now, SwimEffects& out);
  void read_digest_answer(ConnId id, const Address& peer, const wire::NativeMessage& message,
                          Instant now, SwimEffects& out);
  void merge(const wire::PushPull& remote, bool inbound, Instant now, SwimEffects& out);

  SwimConfig config_;
  std::string name_;
  Random random_;
  MemberTable members_;
  std::vector<MemberTable::Slot> roster_{};  ///< all but ourselves, in random order
  std::size_t present_ = 1;
  std::map<std::string, Suspected> suspicions_{};
  gossip::BroadcastQueue broadcasts_;
  PacketLayer packet_;
  PathMtu paths_;
  SerfLayer serf_;
  Details details_{};
  gossip::SharedState shared_;
  bool told_shared_ = false;
  Instant begun_;
  Bytes own_details_{};
  EventLayer events_{};
  ProbeOrder order_{};
  std::map<MemberTable::Slot, PhiDetector> phis_{};  ///< of present members that were probed
  PhiDetector anybody_{};  ///< of all together: what is expected of a peer that is hardly known
  std::optional<Probe> probe_{};
  std::optional<Hearing> hearing_{};
  std::map<std::uint32_t, Relay> relays_{};
  std::map<ConnId, Stream> streams_{};
  std::vector<Address> seeds_{};
  bool joined_ = false;
  bool heard_state_ = false;  ///< Serf's state of events, once
  Duration join_pause_{};
  std::uint32_t agreed_ = 0;    ///< exchanges in a row that found no difference
  std::uint32_t settling_ = 0;  ///< the next early exchange, from 1; 0 = the pool is settled
  std::uint32_t sequence_{};
  std::uint64_t next_stream_ = 1;
  std::uint64_t user_messages_ = 0;
  std::size_t unfold_left_ = 0, messages_left_ = 0;  ///< of the datagram that is being read
  Instant next_probe_{}, next_gossip_{}, next_push_pull_{}, next_reconnect_{};
  Instant next_join_ = never;
  Instant next_tombstones_ = never;        ///< when the oldest one may be forgotten
  std::optional<Instant> intent_until_{};  ///< Serf's leave intent goes first
  std::optional<Instant> leaving_until_{};
  bool leaving_ = false;
  LocalHealth health_;
  SelfTest self_test_;
  std::uint32_t accused_of_ = 0;  ///< the highest incarnation of ours that is held silent
  Instant accused_at_ = never;    ///< the last time that somebody said so
  Instant paused_at_ = never;     ///< the end of our last pause of a period or more
  Instant answered_at_{};         ///< the last time anybody answered a probe
  std::uint32_t unanswered_ = 0;  ///< probes in a row that nobody answered
  bool defends_itself_ = false;   ///< declared dead, it tests itself before it refutes
  Instant called_{};              ///< the last input: what was due before it was not missed
  SwimCounters counters_{};
};

/// Streams that this core opens have this bit set; a shell numbers accepted ones without it.
inline constexpr std::uint64_t dialled_bit = std::uint64_t{1} << 63;

}  // namespace coterie::membership
