/// A simulated world: one event heap, one virtual clock, nodes made of the same NodeCore and
/// ShardCore that production runs, joined by a network that carries their real bytes. One seed, one
/// history; `trace()` proves it. Source: FoundationDB's and TigerBeetle's simulators.
/// Thread-safety: one owner, one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "coterie/cluster/shard_counters.hpp"
#include "coterie/core/hash.hpp"
#include "coterie/core/random.hpp"
#include "coterie/sim/disk.hpp"
#include "coterie/sim/streams.hpp"

namespace coterie::sim {

struct WorldConfig {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  NetworkConfig network{};
  DiskConfig disk{};
  Duration read_lease{};          ///< of every shard; 0: each read has its round
  std::uint64_t history_bytes{};  ///< of each shard's log; 0: all of it is kept
  bool record = false;            ///< keeps a tape of every core
};

class Process;

class World {
 public:
  explicit World(WorldConfig config);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Instant now() const { return now_; }
  void at(Instant when, std::function<void()> task);
  void after(Duration delay, std::function<void()> task) { at(now_ + delay, std::move(task)); }
  /// Runs events until `done` holds; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& done, Duration limit);
  void run_for(Duration span);

  void start(std::size_t node);
  /// kill -9: what was written survives. `power_cut`: what was not synced is lost.
  void kill(std::size_t node, bool power_cut);
  void leave(std::size_t node);
  /// Null: nobody leads the registers.
  [[nodiscard]] Process* registers_leader();
  /// Asks for `to` as the primary of a shard, if it is in sync.
  void move(ShardId shard, std::size_t to);
  [[nodiscard]] bool is_up(std::size_t node) const { return slots_[node].process != nullptr; }
  [[nodiscard]] Process& process(std::size_t node) { return *slots_[node].process; }
  /// One of those that are up, or none.
  [[nodiscard]] std::optional<std::size_t> any_node(Random& random) const;
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] Disk& disk(std::size_t node) { return *slots_[node].disk; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] Streams& streams() { return streams_; }
  [[nodiscard]] Duration read_lease() const { return config_.read_lease; }
  [[nodiscard]] std::uint64_t history_bytes() const { return config_.history_bytes; }
  [[nodiscard]] bool records() const { return config_.record; }
  /// Where the tape of one worker of one life goes; tapes() has them all.
  [[nodiscard]] std::function<void(Bytes)> tape(const std::string& node, StartId life,
                                                std::uint16_t worker);
  [[nodiscard]] const std::map<std::string, Bytes>& tapes() const { return tapes_; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] TraceHash& trace_hash() { return trace_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_.value(); }
  [[nodiscard]] static Address gossip_address(std::size_t node);
  [[nodiscard]] static Address link_address(std::size_t node);
  [[nodiscard]] std::uint64_t next_conn() { return ++conns_; }
  void count(const cluster::ShardCounters& of_a_worker) { counters_ += of_a_worker; }
  /// Of every life that ended.
  [[nodiscard]] const cluster::ShardCounters& counters() const { return counters_; }
  [[nodiscard]] std::uint64_t events() const { return executed_; }

 private:
  struct Event {
    Instant at{};
    std::uint64_t order{};
    std::function<void()> task{};
    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  struct Slot {
    std::unique_ptr<Disk> disk{};
    std::unique_ptr<Process> process{};
  };
  bool step(Instant limit);

  WorldConfig config_;
  Instant now_{1'000'000'000};
  Random random_;
  TraceHash trace_{};
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_{};
  std::uint64_t order_ = 0, conns_ = 0, executed_ = 0;
  cluster::ShardCounters counters_{};
  std::map<std::string, Bytes> tapes_{};
  Network network_;
  Streams streams_;
  std::vector<Slot> slots_{};
};

}  // namespace coterie::sim
