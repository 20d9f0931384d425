#include "coterie/sim/network.hpp"

#include "coterie/sim/world.hpp"

namespace coterie::sim {

Network::Network(World& world, NetworkConfig config, Random random)
    : world_(world), config_(config), random_(random) {}

Duration Network::latency() {
  return config_.latency_min + random_.below(config_.latency_max - config_.latency_min);
}

std::size_t Network::segment() {
  return 1 + static_cast<std::size_t>(random_.below(std::uint64_t{config_.largest_segment}));
}

void Network::bind(const Address& address, std::size_t node, DatagramHandler handler) {
  bound_[address] = {node, std::move(handler)};
}

void Network::datagram(std::size_t from_node, const Address& from, const Address& to, Bytes bytes) {
  const auto target = bound_.find(to);
  if (target == bound_.end() || is_cut(from_node, target->second.node)) return;
  if (random_.chance(config_.datagram_loss)) return;
  world_.after(latency(), [this, from, to, bytes = std::move(bytes)] {
    const auto found = bound_.find(to);
    if (found == bound_.end()) return;
    const auto handler = found->second.handler;  // it may unbind
    handler(from, bytes);
  });
}

}  // namespace coterie::sim
