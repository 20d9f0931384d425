/// The simulated network: datagrams that may be late or lost, and streams that arrive in order, cut
/// anywhere, or break. Thread-safety: one owner.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "coterie/core/address.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/random.hpp"

namespace coterie::sim {

class World;

struct NetworkConfig {
  Duration latency_min = 50us;
  Duration latency_max = 2ms;
  double datagram_loss = 0.0;
  std::size_t largest_segment = 4096;  ///< streams are cut at random places up to here
};

enum class Plane : std::uint8_t { gossip, control, data };

class Network {
 public:
  Network(World& world, NetworkConfig config, Random random);
  void datagram(std::size_t from, const Address& to, Bytes bytes);
  /// Dials; `conn` is the dialler's name for it. Outcomes arrive at the processes as events.
  void dial(std::size_t from, Plane plane, ConnId conn, const Address& to);
  void write(std::size_t from, Plane plane, ConnId conn, Bytes bytes);
  void close(std::size_t from, Plane plane, ConnId conn);
  /// The accepted end now belongs to the data plane.
  void hand_off(std::size_t node, ConnId conn);
  /// Every connection of a dead process breaks at the other end; datagrams to it are lost.
  void node_died(std::size_t node);
  /// Datagrams and streams between the two sides stop until heal().
  void cut(std::size_t a, std::size_t b) { cuts_.insert({std::min(a, b), std::max(a, b)}); }
  void heal() { cuts_.clear(); }
  void set_loss(double loss) { config_.datagram_loss = loss; }

 private:
  /// Dialled connections are numbered by each plane's own core, accepted ones by the world.
  struct End {
    std::size_t node{};
    std::uint8_t space{};  ///< 0 = accepted, else 1 + plane of the dialler
    ConnId conn{};
    friend auto operator<=>(const End&, const End&) = default;
  };
  struct Half {
    End peer{};
    Plane plane = Plane::gossip;
    std::deque<Bytes> arriving{};  ///< on the wire, in order
    Bytes inbox{};
    Instant last{};  ///< deliveries to this end keep their order
    bool open = true;
  };
  [[nodiscard]] static End end_of(std::size_t node, Plane plane, ConnId conn);
  void close(const End& end);
  [[nodiscard]] Duration latency();
  [[nodiscard]] bool is_cut(std::size_t a, std::size_t b) const {
    return cuts_.contains({std::min(a, b), std::max(a, b)});
  }
  void deliver(std::size_t from, const End& to);
  void offer(const End& to);
  void break_end(const End& to);

  World& world_;
  NetworkConfig config_;
  Random random_;
  std::map<End, Half> halves_{};
  std::set<std::pair<std::size_t, std::size_t>> cuts_{};
};

}  // namespace coterie::sim
