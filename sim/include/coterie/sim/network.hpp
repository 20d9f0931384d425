/// The simulated network: who is cut off from whom, how long a packet takes, and datagrams, which
/// may be late, lost or overtaken. Streams are in streams.hpp. Thread-safety: one owner.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "coterie/core/address.hpp"
#include "coterie/core/random.hpp"

namespace coterie::sim {

class World;

struct NetworkConfig {
  Duration latency_min = 50us;
  Duration latency_max = 2ms;
  double datagram_loss = 0.0;
  std::size_t largest_segment = 4096;   ///< streams are cut at random places up to here
  std::size_t stream_window = 1 << 18;  ///< bytes of one stream that its reader has not taken yet
};

class Network {
 public:
  using DatagramHandler = std::function<void(const Address& from, ByteView bytes)>;

  Network(World& world, NetworkConfig config, Random random);
  void bind(const Address& address, std::size_t node, DatagramHandler handler);
  void unbind(const Address& address) { bound_.erase(address); }
  void datagram(std::size_t from_node, const Address& from, const Address& to, Bytes bytes);

  /// Nothing passes between the two until heal().
  void cut(std::size_t a, std::size_t b) { cuts_.insert({std::min(a, b), std::max(a, b)}); }
  void heal() { cuts_.clear(); }
  void set_loss(double loss) { config_.datagram_loss = loss; }
  [[nodiscard]] bool is_cut(std::size_t a, std::size_t b) const {
    return cuts_.contains({std::min(a, b), std::max(a, b)});
  }
  [[nodiscard]] Duration latency();
  [[nodiscard]] std::size_t segment();
  [[nodiscard]] const NetworkConfig& config() const { return config_; }

 private:
  struct Bound {
    std::size_t node{};
    DatagramHandler handler{};
  };
  World& world_;
  NetworkConfig config_;
  Random random_;
  std::map<Address, Bound> bound_{};
  std::set<std::pair<std::size_t, std::size_t>> cuts_{};
};

}  // namespace coterie::sim
