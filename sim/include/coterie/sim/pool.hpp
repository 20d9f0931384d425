/// A pool of Swim cores alone, for experiments with many members: no processes, disks or shards,
/// only datagrams, one-shot streams, a virtual clock, and members that stop for a while. One seed,
/// one history. Thread-safety: one owner, one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "coterie/core/hash.hpp"
#include "coterie/core/random.hpp"
#include "coterie/membership/swim.hpp"
#include "coterie/sim/event_heap.hpp"

namespace coterie::sim {

struct PoolConfig {
  std::size_t nodes = 128;
  std::uint64_t seed = 1;
  membership::SwimConfig swim{};
  Duration latency_min = 100us;
  Duration latency_max = 1ms;
  double loss = 0;     ///< of every packet; streams repeat what is lost, as TCP does
  bool native = true;  ///< all are our own: they compare digests; else as in a foreign pool
  bool formed = true;  ///< everybody knows everybody when it begins; else all join member 0
};

class Pool {
 public:
  explicit Pool(PoolConfig config);

  [[nodiscard]] Instant now() const { return now_; }
  void run_until(Instant end);
  /// From now until then the member blocks before it sends and after it receives, as in the
  /// Lifeguard paper: it goes on until its first send, and what arrives waits.
  void block(std::size_t node, Instant until);
  /// The member is gone for ever: silent, or also refusing streams, as a killed process on a host
  /// that lives.
  void kill(std::size_t node, bool host_lives);
  [[nodiscard]] bool killed(std::size_t node) const { return nodes_[node].dead; }
  /// From now on the member's own network loses so much of what comes in and goes out.
  void set_loss(std::size_t node, double in, double out);
  /// Nothing passes from one member to another, in this direction.
  void cut(std::size_t from, std::size_t to) { cut_.emplace(from, to); }
  void broadcast(std::size_t node, const std::string& name);
  /// Nothing passes between members of different groups; one group for each member.
  void split(std::vector<std::uint8_t> groups) { groups_ = std::move(groups); }
  void heal() { groups_.clear(); }
  /// Every member sees every member alive.
  [[nodiscard]] bool all_alive() const;
  [[nodiscard]] bool blocked(std::size_t node) const { return nodes_[node].blocked_until > now_; }
  [[nodiscard]] const membership::Swim& swim(std::size_t node) const { return *nodes_[node].swim; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  /// Datagrams and streams sent by all members so far.
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_.value(); }

  /// Told of every declared death: who says so, about whom.
  std::function<void(std::size_t observer, std::size_t about)> on_death{};
  /// Told of every change of state that an observer sees.
  std::function<void(std::size_t observer, const membership::Member& about)> on_state{};
  /// Told of every user event that arrives.
  std::function<void(std::size_t observer)> on_event{};

 private:
  enum class Kind : std::uint8_t { wake, datagram, request, reply };
  struct Event {
    Kind kind = Kind::wake;
    std::uint32_t to{};
    std::uint32_t from{};
    ConnId stream{};
    Bytes bytes{};
  };
  struct Node {
    std::unique_ptr<membership::Swim> swim{};
    Instant wake_at = never;  ///< the earliest wake in the heap
    Instant blocked_until{};
    bool dead = false, refuses = false;
    double loss_in = 0, loss_out = 0;
    std::deque<Event> held{};     ///< arrived while blocked
    std::vector<Event> unsent{};  ///< not empty: it stands before a send
  };

  [[nodiscard]] static Address address_of(std::size_t node);
  [[nodiscard]] static std::size_t node_of(const Address& address);
  void transmit(std::size_t node, Event event);
  void handle(Event& event);
  void wake(std::size_t node);
  void apply(std::size_t node, membership::SwimEffects effects);
  void arm(std::size_t node);
  void answer(std::size_t node, ConnId inbound, membership::SwimEffects effects,
              const Event& request);
  [[nodiscard]] Duration latency();
  [[nodiscard]] bool lost(std::size_t from, std::size_t to);
  [[nodiscard]] std::optional<Duration> repeats(const Event& event, std::size_t from);

  PoolConfig config_;
  Random random_;
  Instant now_{1'000'000'000};
  EventHeap<Event> events_{};
  std::vector<Node> nodes_{};
  std::vector<std::uint8_t> groups_{};  ///< empty: no split
  std::set<std::pair<std::size_t, std::size_t>> cut_{};
  std::uint64_t messages_ = 0, bytes_ = 0, conns_ = 0;
  TraceHash trace_{};
};

}  // namespace coterie::sim
