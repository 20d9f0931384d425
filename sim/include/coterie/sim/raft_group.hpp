/// A simulated Raft group: the members of production, disks that lose what was not synced, a
/// network that carries real bytes and loses, doubles, delays and reorders them. Asserts after
/// every event what raft.hpp promises. Thread-safety: one owner.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "coterie/core/hash.hpp"
#include "coterie/replication/raft/raft.hpp"
#include "coterie/sim/event_heap.hpp"

namespace coterie::sim {

namespace raft = replication::raft;

struct RaftGroupConfig {
  std::uint64_t seed = 1;
  std::size_t nodes = 5;
  std::size_t voters = 1;  ///< at the beginning; 1 = a group that has to grow
  double loss = 0, doubled = 0;
  Duration latency = 2ms;               ///< mean; each message takes its own
  Duration sync = 3ms;                  ///< mean
  std::size_t compact_at = 20;          ///< entries
  std::size_t batch_bytes = 64 * 1024;  ///< of one message; 1 = an entry each
  Duration hint_spread = 40ms;          ///< 0: rivals
  std::size_t padding = 0;              ///< bytes of a snapshot beyond what it needs
};

class RaftGroup {
 public:
  explicit RaftGroup(RaftGroupConfig config);

  void run_until(Instant end);
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool is_up(std::size_t node) const { return nodes_[node].raft != nullptr; }
  [[nodiscard]] const raft::Raft& raft(std::size_t node) const { return *nodes_[node].raft; }
  [[nodiscard]] raft::MemberId id_of(std::size_t node) const;
  /// The one that leads in the newest term, if any is up.
  [[nodiscard]] std::optional<std::size_t> leader() const;

  void start(std::size_t node);
  /// What the disk had not synced is gone.
  void kill(std::size_t node);
  /// The same, and all of the disk: who comes back is another member.
  void wipe(std::size_t node);
  void pause(std::size_t node, Duration span);
  /// Nothing passes between members of different groups, what is under way included; empty: all
  /// talk.
  void split(std::vector<std::uint8_t> groups) { groups_ = std::move(groups); }
  void heal();
  void propose(std::size_t node);
  void read(std::size_t node);
  void suspect(std::size_t node, std::size_t whom);
  void add_learner(std::size_t by, std::size_t whom);
  void promote(std::size_t by, const raft::MemberId& whom);
  void remove(std::size_t by, const raft::MemberId& whom);
  void transfer(std::size_t by, const raft::MemberId& to);

  /// Told of every vote that a member gave to another.
  std::function<void(std::size_t voter)> on_vote{};

  /// What was violated; empty = nothing.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::size_t committed() const { return chosen_.size() - 2; }
  [[nodiscard]] std::size_t terms_led() const { return leaders_.size(); }
  [[nodiscard]] std::size_t reads_done() const { return reads_done_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_.value(); }
  /// Each member's role, term and log, for whoever looks for the cause.
  [[nodiscard]] std::string describe() const;
  /// What all applied up to there comes to.
  [[nodiscard]] std::uint64_t state_of(std::size_t node) const { return nodes_[node].state; }

 private:
  struct Event {
    enum class Kind : std::uint8_t { wake, arrive, synced, resume } kind = Kind::wake;
    std::size_t node{};
    std::size_t from{};
    std::uint64_t life{};
    Bytes bytes{};
    std::vector<raft::Persist> batches{};
  };
  struct Node {
    std::uint64_t disk_id{};
    raft::Stored disk{};
    std::unique_ptr<raft::Raft> raft{};
    std::uint64_t life = 0;
    std::uint64_t state = 0;  ///< the hash of everything applied
    raft::Index applied{};
    Instant wake_at = never;
    Instant paused_until{};
    std::deque<Event> held{};              ///< what came while it was paused
    std::vector<raft::Persist> batches{};  ///< for the next sync
    bool syncing = false;
  };

  void handle(Event event);
  void resume(std::size_t node);
  void sync(std::size_t node);
  void deliver(const Event& event);
  void apply(std::size_t node, raft::Effects effects);
  void apply(std::size_t node, const raft::Apply& applied);
  void restore(std::size_t node, const raft::Snapshot& snapshot);
  [[nodiscard]] bool cut(std::size_t a, std::size_t b) const {
    return !groups_.empty() && groups_[a] != groups_[b];
  }
  void transmit(std::size_t from, const raft::Message& message);
  void arm(std::size_t node);
  void compact(std::size_t node);
  // raft_checks.cpp
  void fail(std::string what);
  void check_leader(std::size_t node);
  void check_vote(const raft::Message& message);
  void check_quorum_has(std::size_t node, raft::Index index, const raft::Entry& entry);

  RaftGroupConfig config_;
  Random random_;
  Instant now_{1'000'000'000};
  EventHeap<Event> events_{};
  std::vector<Node> nodes_{};
  std::vector<std::uint8_t> groups_{};
  std::vector<raft::Entry> chosen_{};    ///< by index; [0] and [1] are before the first entry
  std::vector<raft::Term> chosen_in_{};  ///< the term whose leader committed each
  std::vector<std::uint64_t> states_{};  ///< what the state is after each
  std::map<raft::Term, raft::MemberId> leaders_{};
  std::map<std::pair<raft::MemberId, raft::Term>, raft::MemberId> votes_{};
  std::map<std::uint64_t, std::size_t> reads_{};  ///< token -> what it must see
  std::uint64_t next_read_ = 1, commands_ = 0, next_disk_ = 1;
  std::size_t reads_done_ = 0;
  std::string problem_{};
  TraceHash trace_{};
};

}  // namespace coterie::sim
