/// The replicas of one shard under every fault: the core of production, disks that lose what was
/// not synced, a network that loses, doubles, delays and reorders, a register whose answers get
/// lost and whose requests land late, and a coordinator that suspects whom it likes. Asserts after
/// every event what replica.hpp promises. Thread-safety: one owner.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "coterie/core/hash.hpp"
#include "coterie/core/random.hpp"
#include "coterie/replication/shard_log/replica.hpp"
#include "coterie/sim/event_heap.hpp"

namespace coterie::sim {

namespace shard_log = replication::shard_log;

struct ShardGroupConfig {
  std::uint64_t seed = 1;
  std::size_t nodes = 4;
  std::size_t replicas = 3;  ///< at the beginning, all of them in sync
  std::uint32_t min_in_sync = 2;
  double loss = 0, doubled = 0;
  Duration latency = 2ms;         ///< mean; each message takes its own
  Duration sync = 3ms;            ///< mean
  Duration register_delay = 5ms;  ///< mean of a way to the register; some take a hundred times that
  std::size_t batch_bytes = 64 * 1024;
  Duration lease{};  ///< of reads; clocks drift as far as it allows
};

class ShardGroup {
 public:
  explicit ShardGroup(ShardGroupConfig config);

  void run_until(Instant end);
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool is_up(std::size_t node) const { return nodes_[node].replica != nullptr; }
  [[nodiscard]] const shard_log::ShardReplica& replica(std::size_t node) const {
    return *nodes_[node].replica;
  }
  [[nodiscard]] shard_log::Replica id_of(std::size_t node) const;
  [[nodiscard]] bool exists(const shard_log::Replica& id) const;
  [[nodiscard]] std::uint64_t life_of(std::size_t node) const {
    return nodes_[node].disk.start.value;
  }
  [[nodiscard]] static std::size_t node_of(const shard_log::Replica& id) {
    return static_cast<std::size_t>(id.node.at(0) - 'a');
  }
  /// The register as it is.
  [[nodiscard]] const shard_log::Assignment& assignment() const { return assignment_; }

  void start(std::size_t node);
  void kill(std::size_t node);
  void wipe(std::size_t node);
  void pause(std::size_t node, Duration span);
  void split(std::vector<std::uint8_t> groups) { groups_ = std::move(groups); }
  void heal();
  void append(std::size_t node);
  void read(std::size_t node);
  /// Up to some entry that the node knows as committed.
  void trim(std::size_t node, Random& random);
  /// The primary hands over as soon as it may, in this moment or not at all.
  void hand_over(std::size_t node, std::size_t to);
  /// A compare-and-swap on its way to the register, with its answer to `asker`.
  void swap(std::size_t asker, const shard_log::Assignment& desired);
  /// What the node claims after a restart: the shard that it led in an earlier life.
  void claim(std::size_t node);
  void tell_assignment(std::size_t node);

  /// Told when a node proposes, and when it begins to serve.
  std::function<void(const shard_log::Assignment& desired)> on_proposed{};
  std::function<void(std::size_t node)> on_serving{};

  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::size_t committed() const { return chosen_.size() - 1; }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::size_t reads_done() const { return reads_done_; }
  [[nodiscard]] std::size_t reigns() const { return reigns_; }
  [[nodiscard]] std::size_t handed_over() const { return handed_over_; }
  /// Logs that began anew behind what was trimmed.
  [[nodiscard]] std::size_t begun_anew() const { return begun_anew_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_.value(); }
  [[nodiscard]] std::string describe() const;

 private:
  struct Disk {
    shard_log::Base base{};
    std::vector<shard_log::Entry> entries{};  ///< behind it
    [[nodiscard]] LogIndex last() const { return LogIndex{base.last.value + entries.size()}; }
    /// Null: it ends before that, or begins behind it.
    [[nodiscard]] const shard_log::Entry* at(std::uint64_t index) const {
      const bool inside = index > base.last.value && index <= last().value;
      return inside ? &entries[index - base.last.value - 1] : nullptr;
    }
    /// What was trimmed it had.
    [[nodiscard]] bool has(std::uint64_t index, const shard_log::Entry& entry) const {
      if (index <= base.last.value) return true;
      const auto* const found = at(index);
      return found != nullptr && *found == entry;
    }
    Epoch promised{};
    StartId start{};
  };
  struct Event {
    enum class Kind : std::uint8_t {
      wake,
      arrive,
      synced,
      resume,
      asked,
      answered,
      log
    } kind = Kind::wake;
    std::size_t node{};
    std::size_t from{};
    std::uint64_t life{};
    shard_log::Message message{};
    std::vector<shard_log::Persist> batches{};
    shard_log::Assignment assignment{};
    shard_log::ReadLog read{};
  };
  struct Node {
    std::uint64_t disk_id{};
    Disk disk{};
    std::unique_ptr<shard_log::ShardReplica> replica{};
    std::uint64_t life = 0;
    std::int64_t drift = 0;  ///< of its clock, in millionths
    LogIndex reported{};     ///< committed, as this life said
    Instant wake_at = never;
    Instant paused_until{};
    std::deque<Event> held{};
    std::vector<shard_log::Persist> batches{};
    bool syncing = false;
  };

  void handle(Event event);
  void deliver(Event& event);
  void assign(const Event& event);
  void resume(std::size_t node);
  void write(Node& node, const shard_log::Persist& batch);
  void sync(std::size_t node);
  void apply(std::size_t node, shard_log::Effects effects);
  void transmit(std::size_t from, const shard_log::Message& message);
  void decide(const Event& asked);
  void arm(std::size_t node);
  [[nodiscard]] Instant clock_of(std::size_t node) const;
  [[nodiscard]] Duration register_way();
  [[nodiscard]] bool cut(std::size_t a, std::size_t b) const {
    return !groups_.empty() && groups_[a] != groups_[b];
  }
  // shard_checks.cpp
  void fail(std::string what);
  void check_committed(std::size_t node, LogIndex index);
  void check_promise(std::size_t node);
  void check_in_sync();
  void check_serving(std::size_t node);
  void check_read(std::size_t node, const shard_log::ReadReady& ready);

  ShardGroupConfig config_;
  Random random_;
  Instant now_{1'000'000'000};
  EventHeap<Event> events_{};
  std::vector<Node> nodes_{};
  std::vector<std::uint8_t> groups_{};
  shard_log::Assignment assignment_{};
  std::vector<shard_log::Entry> chosen_{};        ///< by index; [0] is before the first
  std::vector<Epoch> chosen_in_{};                ///< the epoch whose primary committed each
  std::map<std::uint64_t, std::size_t> reads_{};  ///< token -> what it must see
  std::uint64_t next_read_ = 1, commands_ = 0, next_disk_ = 1;
  std::size_t reads_done_ = 0, reigns_ = 0, acknowledged_ = 0, handed_over_ = 0, begun_anew_ = 0;
  std::string problem_{};
  TraceHash trace_{};
};

}  // namespace coterie::sim
