#include "coterie/sim/network.hpp"

#include "coterie/sim/world.hpp"

namespace coterie::sim {
namespace {

constexpr Duration retransmit = 50ms;

}  // namespace

Network::Network(World& world, NetworkConfig config, Random random)
    : world_(world), config_(config), random_(random) {}

Network::End Network::end_of(std::size_t node, Plane plane, ConnId conn) {
  const bool dialled = (conn.value & membership::dialled_bit) != 0;
  return {node, static_cast<std::uint8_t>(dialled ? 1 + static_cast<int>(plane) : 0), conn};
}

Duration Network::latency() {
  return config_.latency_min + random_.below(config_.latency_max - config_.latency_min);
}

void Network::datagram(std::size_t from, const Address& to, Bytes bytes) {
  const auto target = world_.index_of(to);
  if (target >= world_.size() || is_cut(from, target) || random_.chance(config_.datagram_loss))
    return;
  world_.after(latency(), [this, from, target, bytes = std::move(bytes)] {
    if (world_.is_up(target)) world_.process(target).datagram(World::gossip_address(from), bytes);
  });
}

void Network::dial(std::size_t from, Plane plane, ConnId conn, const Address& to) {
  const End dialler = end_of(from, plane, conn);
  const auto target = world_.index_of(to);
  halves_[dialler] = {.peer = {}, .plane = plane};
  world_.after(latency(), [this, dialler, plane, target] {
    const auto mine = halves_.find(dialler);
    if (mine == halves_.end() || !world_.is_up(dialler.node)) return;
    if (target >= world_.size() || !world_.is_up(target) || is_cut(dialler.node, target))
      return break_end(dialler);
    const End acceptor{target, 0, ConnId{world_.next_conn()}};
    // Every accepted lane speaks to worker 0 first.
    const auto other = plane == Plane::gossip ? Plane::gossip : Plane::control;
    mine->second.peer = acceptor;
    halves_[acceptor] = {.peer = dialler, .plane = other};
    world_.process(target).accepted(other, acceptor.conn);
    if (world_.is_up(dialler.node) && halves_.contains(dialler))
      world_.process(dialler.node).connected(plane, dialler.conn);
  });
}

void Network::write(std::size_t from, Plane plane, ConnId conn, Bytes bytes) {
  const auto found = halves_.find(end_of(from, plane, conn));
  if (found == halves_.end()) return;
  const auto peer = found->second.peer;
  const auto other = halves_.find(peer);
  if (other == halves_.end()) return;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto size = std::min<std::size_t>(
        bytes.size() - at, 1 + random_.below(std::uint64_t{config_.largest_segment}));
    other->second.last = std::max(other->second.last, world_.now() + latency());
    world_.at(other->second.last, [this, from, peer] { deliver(from, peer); });
    other->second.arriving.push_back(to_bytes(ByteView(bytes).subspan(at, size)));
    at += size;
  }
}

/// One event per segment, but always the oldest segment: a cut delays a stream and never tears it,
/// as TCP retransmits.
void Network::deliver(std::size_t from, const End& to) {
  const auto found = halves_.find(to);
  if (found == halves_.end() || !world_.is_up(to.node) || found->second.arriving.empty()) return;
  if (is_cut(from, to.node))
    return world_.after(retransmit, [this, from, to] { deliver(from, to); });
  append(found->second.inbox, found->second.arriving.front());
  found->second.arriving.pop_front();
  offer(to);
}

void Network::offer(const End& to) {
  const auto found = halves_.find(to);
  if (found == halves_.end() || found->second.inbox.empty()) return;
  const auto inbox = found->second.inbox;
  const auto consumed = world_.process(to.node).received(found->second.plane, to.conn, inbox);
  const auto after = halves_.find(to);
  if (after != halves_.end())
    after->second.inbox.erase(after->second.inbox.begin(),
                              after->second.inbox.begin() + static_cast<std::ptrdiff_t>(consumed));
}

void Network::hand_off(std::size_t node, ConnId conn) {
  const End end{node, 0, conn};
  const auto found = halves_.find(end);
  if (found == halves_.end()) return;
  found->second.plane = Plane::data;
  world_.process(node).accepted(Plane::data, conn);
  offer(end);
}

void Network::close(std::size_t from, Plane plane, ConnId conn) {
  close(end_of(from, plane, conn));
}

void Network::close(const End& end) {
  const auto found = halves_.find(end);
  if (found == halves_.end()) return;
  const auto peer = found->second.peer;
  halves_.erase(found);
  if (const auto other = halves_.find(peer); other != halves_.end()) {
    other->second.last = std::max(other->second.last, world_.now() + latency());
    world_.at(other->second.last, [this, peer] { break_end(peer); });
  }
}

void Network::break_end(const End& to) {
  const auto found = halves_.find(to);
  if (found == halves_.end()) return;
  const auto plane = found->second.plane;
  halves_.erase(found);
  if (world_.is_up(to.node)) world_.process(to.node).closed(plane, to.conn);
}

void Network::node_died(std::size_t node) {
  std::vector<End> ends;
  for (const auto& [end, half] : halves_)
    if (end.node == node) ends.push_back(end);
  for (const auto& end : ends) close(end);
}

}  // namespace coterie::sim
