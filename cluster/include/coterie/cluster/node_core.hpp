/// The control plane of a node as a value: membership, control lanes, formation, the registers
/// (member of their Raft group or client), the coordinator's plan, the table, the supervision of
/// the node's parts. Production and the simulator run this same class.
///
/// Invariants: a node has at most one cluster id, durable before it is used; only a node that was
/// told of no seed and has no cluster id bootstraps; an epoch is led only by the life that its
/// register names (placement invariant 6). Thread-safety: one owner; no clock, socket, disk or
/// thread inside.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "coterie/cluster/disk_health.hpp"
#include "coterie/cluster/founder_doubt.hpp"
#include "coterie/cluster/node_effects.hpp"
#include "coterie/cluster/shard_sink.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/swim.hpp"
#include "coterie/messaging/links.hpp"
#include "coterie/replication/copy_id.hpp"
#include "coterie/replication/learner_watch.hpp"
#include "coterie/replication/raft_meta_store.hpp"
#include "coterie/replication/voters.hpp"
#include "coterie/sharding/replica_planner.hpp"
#include "coterie/sharding/shard_table.hpp"
#include "coterie/supervision/supervisor.hpp"

namespace coterie::cluster {

/// Gossip addresses kept for a restart; any of them is enough to find the pool again.
inline constexpr std::size_t max_remembered_peers = 64;
/// Heartbeats on each control lane; above 32 lanes in proportion fewer, so that they stay below 320
/// a second. The placement contract, "Suspicion".
inline constexpr Duration beat_interval = 100ms;
inline constexpr std::size_t beat_lanes = 32;
/// So often a node looks at its own health, and logs what became of it.
inline constexpr Duration health_interval = 5s;
/// The first byte of a beat.
inline constexpr std::uint8_t beat_leaves = 1, beat_slow = 2;
/// Swap batches that wait for the register's disk; more is not answered, and asked again.
inline constexpr std::size_t max_open_swaps = 1024;
/// How often the leader of the registers looks whether their voters are the right ones.
/// One step is followed by the next as soon as it is committed and its learner has caught up.
inline constexpr Duration voters_interval = 500ms;
/// A node that starts is ready once the registers survive a death as well as so many members can,
/// which takes some milliseconds; or after this, if somebody does not learn them.
inline constexpr Duration votes_patience = 10s;
/// The leader says at every voters_interval that it leads: who says nothing for so long does not.
inline constexpr Duration leader_silence = 4 * voters_interval;

/// The leader of the registers looks this often whether every shard has its primary and copies.
inline constexpr Duration placement_interval = 100ms;
/// A node that says nothing on its control lane for so long leads no shard any more; where a
/// connection broke it has this long to come back. The placement contract, "Suspicion".
inline constexpr Duration placement_silence = 700ms;
inline constexpr Duration reconnect_grace = 200ms;
/// For so long a node whose connection broke, and that took no other, is dead to the planner: a
/// primary that reaches it all the same (one path alone is broken) takes it back, and keeps it.
inline constexpr Duration dead_for = 500ms;
/// A member that is new here has this long until its lane must be up.
inline constexpr Duration first_words = 3s;
/// A node that is away for so long loses its copies to others: longer than a restart takes.
inline constexpr Duration replace_after = 15s;
/// A node that leaves waits so long for others to lead what it led, and then a moment for callers
/// to learn of it.
inline constexpr Duration hand_over_limit = 5s;
inline constexpr Duration farewell = 200ms;
/// A node is worth a move once it has been up for so long; twice as long each time that it fell
/// again soon after, up to the limit: a node that flaps moves its shards seldom.
inline constexpr Duration settle_first = 2s;
inline constexpr Duration settle_limit = 120s;
/// Where the pool keeps what operators want of nodes: a map, node -> "cordoned" or "draining".
inline constexpr std::string_view wishes_name = "coterie/nodes";
/// A planned move that did not come to its end by then is given up.
inline constexpr Duration move_limit = 60s;

/// What the shards of this node propose goes to the registers in batches.
inline constexpr Duration propose_interval = 5ms;

/// Snapshots for the data workers follow each other no sooner: changes come in swarms, and each
/// snapshot holds the whole table.
inline constexpr Duration publish_interval = 2ms;

/// What a node's disk holds of the registers.
struct StoredRegisters {
  std::uint64_t disk{};          ///< the number of the data directory
  bool founder = false;          ///< formed the cluster: it was the first voter
  std::uint64_t entity_types{};  ///< of format 1, before Raft: the digest of the formed table
  std::vector<replication::Register> registers{};  ///< of format 1
  replication::raft::Stored raft{};
  std::uint64_t confirmed_life{}, tried_life{};  ///< PersistLife
};

struct NodeCoreConfig {
  std::string name{};
  Address gossip{};
  Address link{};
  Address management{};
  std::vector<Address> seeds{};        ///< given by --join; more may be discovered
  bool seeded = false;                 ///< --join was given: this node never bootstraps
  std::vector<Address> known_peers{};  ///< remembered from an earlier life
  std::uint32_t bootstrap_expect = 1;  ///< live members that form the cluster
  std::uint16_t data_workers = 1;
  std::uint64_t entity_types{};  ///< digest of what this node registered; 0 = takes no shards
  StartId start{};               ///< this life; larger than every earlier one
  SessionId session{};
  ClusterId cluster{};       ///< from disk
  StoredRegisters stored{};  ///< from disk
  replication::raft::RaftConfig raft{};
  /// Set: this node takes part in a foreign pool and shows this; it has no cluster.
  std::optional<Bytes> foreign_meta{};
  membership::SwimConfig swim{};
  messaging::LinkConfig links{};
  supervision::SupervisorConfig parts{};
  sharding::PlacementConfig placement{};
  membership::NodeTraits traits{};
};

/// One member as operators see it.
struct MemberInfo {
  membership::Member member{};
  std::optional<membership::NodeMeta> meta{};  ///< none: a foreign node
  double phi{};                                ///< how suspicious its silence is
};

struct Readiness {
  bool ready = false;
  std::string reason{};                 ///< why not
  std::vector<std::string> degraded{};  ///< ready all the same, but
};

class NodeCore {
 public:
  NodeCore(NodeCoreConfig config, Random random, Instant now);

  [[nodiscard]] NodeEffects start(Instant now);
  /// The first step of a graceful end: others take its shards over; HandedOver ends it.
  [[nodiscard]] NodeEffects leave(Instant now);
  /// The last: the pool is told; Stop ends it.
  [[nodiscard]] NodeEffects depart(Instant now);
  /// What discovery found.
  [[nodiscard]] NodeEffects set_seeds(std::vector<Address> seeds, Instant now);
  /// Changes the shared state of the pool.
  [[nodiscard]] NodeEffects share(const gossip::SharedChange& change, Instant now);
  /// What this node says of itself to all, at most wire::max_details_bytes.
  [[nodiscard]] NodeEffects set_details(Bytes details, Instant now);
  /// User events and queries of the pool: membership::Swim has the contracts.
  [[nodiscard]] NodeEffects broadcast(std::string name, Bytes payload, bool coalesce, Instant now);
  [[nodiscard]] NodeEffects query(std::uint64_t query, std::string name, Bytes payload,
                                  Duration timeout, Instant now);
  [[nodiscard]] NodeEffects answer(std::uint64_t query, Bytes payload, Instant now);
  [[nodiscard]] NodeEffects too_large(const Address& to, Instant now);
  [[nodiscard]] NodeEffects starved(Duration waited, Duration over, Instant now);
  [[nodiscard]] NodeEffects datagram(const Address& from, ByteView bytes, Instant now);
  [[nodiscard]] NodeEffects stream_accepted(ConnId id, Instant now);
  [[nodiscard]] NodeEffects stream_received(ConnId id, ByteView bytes, Instant now);
  [[nodiscard]] NodeEffects stream_closed(ConnId id, Instant now);
  [[nodiscard]] NodeEffects link_accepted(ConnId id, Instant now);
  [[nodiscard]] NodeEffects link_connected(ConnId id, Instant now);
  [[nodiscard]] NodeEffects link_closed(ConnId id, Instant now);
  [[nodiscard]] NodeEffects link_written(ConnId id, Instant now);
  /// Sets `consumed`; offer the rest again with more behind it.
  [[nodiscard]] NodeEffects link_received(ConnId id, ByteView bytes, std::size_t& consumed,
                                          Instant now);
  [[nodiscard]] NodeEffects identity_persisted(Instant now);
  [[nodiscard]] NodeEffects life_persisted(Instant now);
  [[nodiscard]] NodeEffects raft_persisted(std::uint64_t batch, Instant now);
  [[nodiscard]] NodeEffects shard_status(const ShardStatus& status, Instant now);
  [[nodiscard]] NodeEffects part_failed(const std::string& part, const std::string& reason,
                                        Instant now);
  /// A planned move: `to` gets a copy if it has none, and leads once it is in sync.
  [[nodiscard]] NodeEffects move(ShardId shard, const std::string& to, Instant now);
  /// Lossy, by an operator's word alone: `to`, which has a copy, leads on with what it has, and
  /// whatever others of the in-sync set acknowledged beyond that is given up.
  [[nodiscard]] NodeEffects force_primary(ShardId shard, const std::string& to, Instant now);
  /// A change of a shard's in-sync set, by its primary here; its answer is a later table.
  [[nodiscard]] NodeEffects propose(replication::Swap swap, Instant now);
  [[nodiscard]] NodeEffects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const;

  /// By name.
  [[nodiscard]] std::vector<MemberInfo> members(Instant now) const;
  [[nodiscard]] const sharding::ShardTable& table() const { return table_; }
  /// Every node that may have shards, as this one sees it.
  [[nodiscard]] std::vector<sharding::PlaceableNode> placeable_nodes(Instant now) const;
  [[nodiscard]] const sharding::PlacementConfig& placement() const { return config_.placement; }
  /// What operators want of nodes: node -> "cordoned" or "draining".
  [[nodiscard]] const std::map<std::string, std::string>& wishes() const { return wishes_; }
  /// Of the nodes that are drained, those whose votes the registers could not do without; unknown
  /// (nullopt) to who neither leads them nor hears their leader.
  [[nodiscard]] std::optional<std::vector<std::string>> needed_voters(Instant now) const;
  /// Whether this node votes on the registers; unknown while nobody leads them.
  [[nodiscard]] std::optional<bool> votes() const {
    if (leads_registers()) return true;
    return announced_leader_.empty() ? std::nullopt : told_to_vote_;
  }
  /// By an operator.
  [[nodiscard]] bool is_drained(const std::string& node) const {
    const auto wish = wishes_.find(node);
    return wish != wishes_.end() && wish->second == "draining";
  }
  [[nodiscard]] Readiness readiness() const;
  [[nodiscard]] const ClusterId& cluster() const { return cluster_; }
  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const std::map<ShardId, ShardStatus>& shards() const { return status_; }
  [[nodiscard]] const membership::Swim& swim() const { return swim_; }
  [[nodiscard]] const messaging::LinkCounters& link_counters() const { return links_.counters(); }
  [[nodiscard]] std::uint64_t part_restarts() const { return parts_.restarts(); }
  /// Null until the node belongs to a cluster.
  [[nodiscard]] const replication::RaftMetaStore* meta_store() const {
    return store_ ? &*store_ : nullptr;
  }
  [[nodiscard]] bool leads_registers() const { return store_ && store_->leads(); }
  /// The node that leads the registers, as far as this one knows; empty: none.
  [[nodiscard]] std::string registers_leader() const;

 private:
  // node_core.cpp
  [[nodiscard]] NodeEffects finish(NodeEffects out, Instant now);
  void remember_peers(NodeEffects& out);
  void supervise(const supervision::SupervisorEffects& effects, NodeEffects& out);
  // node_gossip.cpp
  void take(membership::SwimEffects&& effects, Instant now, NodeEffects& out);
  void on_member(const membership::MemberChanged& change, Instant now, NodeEffects& out);
  [[nodiscard]] Bytes own_meta() const;
  void publish_meta(Instant now, NodeEffects& out);
  // node_links.cpp
  void take(messaging::LinkEffects&& effects, Instant now, NodeEffects& out);
  void tick_beats(Instant now);
  void on_frame(const messaging::Frame& frame, Instant now, NodeEffects& out);
  void on_refused(const messaging::Refused& refused, NodeEffects& out);
  void adopt(const messaging::AdoptCluster& adopt, NodeEffects& out);
  void send_control(messaging::LaneId lane, wire::FrameKind kind, const Bytes& body);
  void send_table(messaging::LaneId lane);
  // node_formation.cpp
  void try_bootstrap(NodeEffects& out);
  void try_place(Instant now, NodeEffects& out);
  // node_register.cpp
  void submit(std::vector<replication::Swap> swaps, Instant now, NodeEffects& out);
  void claim(Instant now, NodeEffects& out);
  void on_results(const std::vector<replication::SwapResult>& results);
  void take(replication::MetaEffects&& effects, Instant now, NodeEffects& out);
  void open_store(Instant now);
  [[nodiscard]] bool is_own_disk(const replication::Register& entry) const;
  void on_swapped(const replication::Swapped& swapped);
  void on_leader(const replication::raft::LeaderChanged& leader, Instant now, NodeEffects& out);
  void on_meta_swap(const messaging::Frame& frame, Instant now, NodeEffects& out);
  void announce(messaging::LaneId lane);
  void on_announced(const std::string& leader, ByteView body, Instant now);
  void table_changed() {
    routes_dirty_ = true;
    if (claim_at_ == never) claim_at_ = {};
  }
  // node_formation.cpp
  void tick_founder(Instant now, NodeEffects& out);
  // node_life.cpp
  void tick_life(Instant now, NodeEffects& out);
  void on_life(Epoch current, NodeEffects& out);
  void keep_life(Epoch current, NodeEffects& out);
  void refuse_life(NodeEffects& out);
  void doubt_life(StartId other);
  /// Somebody else leads the registers, or can be reached again.
  void ask_again() { claim_at_ = life_.ask_at = {}; }
  // node_placement.cpp
  void heard(const std::string& peer, Instant now) { heard_[peer] = now; }
  void tick_placement(Instant now, NodeEffects& out);
  void end_late_moves(std::vector<replication::Swap>& swaps, Instant now);
  void tick_proposals(Instant now, NodeEffects& out);
  void try_hand_over(Instant now, NodeEffects& out);
  [[nodiscard]] std::size_t leads_shards() const;
  void on_beat(const messaging::Frame& frame, Instant now);
  [[nodiscard]] Bytes own_beat() const;
  /// The sum of all epochs that are known, which only grows.
  [[nodiscard]] std::uint64_t table_version() const;
  [[nodiscard]] Duration silence() const;
  void settle(const std::vector<sharding::PlaceableNode>& nodes, Instant now);
  void report(const std::vector<replication::Swap>& swaps, NodeEffects& out) const;
  void on_shared(const gossip::SharedView& view);
  // node_voters.cpp
  void tick_voters(Instant now, NodeEffects& out);
  [[nodiscard]] std::vector<replication::VoterCandidate> voter_candidates(Instant now) const;
  void make(const replication::VoterChange& change, Instant now, NodeEffects& out);
  void hasten_voters(Instant now);
  [[nodiscard]] std::string few_voters() const;
  void await_votes(Instant now);
  void merge(const sharding::ShardTable& other);
  void publish_routes(Instant now, NodeEffects& out);
  [[nodiscard]] bool present(const std::string& name) const;
  [[nodiscard]] bool is_there(const replication::raft::MemberId& copy) const;
  // node_readiness.cpp
  [[nodiscard]] std::string waits_for() const;
  [[nodiscard]] std::string missing_voters() const;
  void tick_health(Instant now, NodeEffects& out);
  [[nodiscard]] std::size_t stuck_shards() const;
  void tell_other_types(std::vector<std::string>& degraded) const;
  std::pair<std::size_t, std::size_t> tell_own_shards(std::vector<std::string>& degraded) const;
  void tell_lost_shards(std::vector<std::string>& degraded) const;

  NodeCoreConfig config_;
  Random random_;
  membership::Swim swim_;
  messaging::Links links_;
  supervision::Supervisor parts_;
  ClusterId cluster_{};
  std::optional<PersistIdentity> persisting_{};        ///< on its way to the disk
  std::optional<replication::RaftMetaStore> store_{};  ///< since this node has a cluster
  struct Asker {
    messaging::LaneId lane{};
    std::uint64_t token{};  ///< its own
  };
  std::map<std::uint64_t, Asker> swap_askers_{};  ///< leader: own token -> who waits
  std::string announced_leader_{};                ///< it said so on its lane
  std::uint64_t announced_term_ = 0;
  Instant announced_at_{};
  std::optional<bool> told_to_vote_{};   ///< by that leader; a build of before says nothing of it
  std::vector<std::string> suspects_{};  ///< their lanes went down in this input
  Instant leads_since_{};
  Instant next_voters_ = never;  ///< leader
  bool voters_change_ = false;   ///< leader: one began, and may be done
  Instant votes_by_ = never;     ///< of a start; never: the table is not known yet
  bool awaits_votes_ = false;
  Instant removed_at_{INT64_MIN};  ///< the last voter that was removed by us
  replication::LearnerWatch learners_{};
  std::uint64_t next_token_ = 1;
  Instant claim_at_{};  ///< registers of ours are looked for then; never: once the table changes
  sharding::ShardTable table_{};
  std::map<messaging::LaneId, std::string> lanes_up_{};
  Instant next_beat_{};
  std::map<ShardId, ShardStatus> status_{};
  std::map<std::string, membership::NodeMeta> metas_{};
  bool routes_dirty_ = true;
  Instant next_publish_{};
  bool remember_ = false;
  bool placing_ = false;
  Instant next_placement_{};                 ///< leader
  Instant look_at_ = never;                  ///< leader: a connection that broke had its time then
  Instant ticked_{};                         ///< so that our own pause is nobody's silence
  std::map<std::string, Instant> heard_{};   ///< on their control lanes
  std::map<std::string, Instant> broken_{};  ///< those lanes, for dead_for
  std::map<ShardId, replication::Swap> proposals_{};
  Instant propose_at_ = never;
  std::string stale_disk_{};  ///< why this disk may not lead what the register says
  /// Of this start, in the registers.
  struct Life {
    /// doubted: a register names a later life of this directory; known again if the registers
    /// still hold ours.
    enum class Step : std::uint8_t { ask, keep, swap, known, doubted, refused } step = Step::ask;
    StartId doubted{}, cleared{};  ///< up to this life the doubt was without cause
    std::uint64_t token{};         ///< random
    Epoch before{};
    std::optional<Epoch> seen{};
    Instant ask_at{};
  };
  Life life_{};
  DiskHealth disk_{};
  Instant lead_elsewhere_at_{};
  void watch_disk(Instant now, NodeEffects& out);
  std::optional<Error> failure_{};  ///< why it leaves, if nobody asked it to
  void give_all_away(Instant now);
  void depart_now(Instant now, NodeEffects& out);
  bool old_copy_ = false;  ///< it forgot a later life, and with it votes and entries
  FounderDoubt founder_{};
  bool was_ready_ = false;
  std::string told_health_{};  ///< empty: it is well
  Instant next_health_{};
  bool had_lane_ = false;
  bool leaving_ = false;
  Instant hand_over_by_ = never;  ///< it leaves
  Instant handed_over_at_ = never;
  std::set<std::string> leaving_peers_{}, slow_peers_{};   ///< as their last beat said
  std::map<std::string, std::uint64_t> table_versions_{};  ///< as their last beat said
  std::map<ShardId, std::pair<replication::raft::MemberId, Instant>> moving_{};  ///< leader
  struct Settling {
    Instant up_since{};
    Duration needs = settle_first;
    bool up = false;
  };
  std::map<std::string, Settling> settling_{};  ///< leader
  std::map<std::string, std::string> wishes_{};
  /// What was even when it was looked at last: to look again costs, and this changes seldom.
  std::optional<std::pair<std::uint64_t, std::vector<sharding::PlaceableNode>>> even_{};
  std::uint64_t details_ = 0;  ///< the hash of what this node says of itself
};

}  // namespace coterie::cluster
