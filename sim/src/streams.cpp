#include "coterie/sim/streams.hpp"

#include <algorithm>

#include "coterie/sim/world.hpp"

namespace coterie::sim {
namespace {

constexpr Duration retransmit = 50ms;
constexpr Duration kernel_time = 1us;  // from write() to the wire

}  // namespace

Streams::End* Streams::find(Half half) {
  const auto found = ends_.find(half);
  return found == ends_.end() ? nullptr : &found->second;
}

Streams::Half Streams::dial(StreamHost& from, ConnId conn, const Address& to) {
  const auto half = next_++;
  ends_[half] = {.host = &from, .conn = conn, .node = from.node_};
  world_.after(network_.latency(), [this, half, to] { connect(half, to); });
  return half;
}

void Streams::connect(Half dialler, const Address& to) {
  auto* mine = find(dialler);
  if (mine == nullptr) return;
  const auto target = listening_.find(to);
  if (target == listening_.end() || network_.is_cut(mine->node, target->second->node_))
    return break_now(dialler);
  auto& host = *target->second;
  const bool full = host.halves_.size() >= host.limits_.connections;
  const auto accepted = next_++;
  const ConnId conn{world_.next_conn()};
  ends_[accepted] = {.host = full ? nullptr : &host,
                     .conn = conn,
                     .node = host.node_,
                     .peer = dialler,
                     .peer_node = mine->node};
  mine->peer = accepted;
  mine->peer_node = host.node_;
  if (!full) {
    host.halves_[conn] = accepted;
    host.handler_.accepted(conn);
  }
  mine = find(dialler);
  if (mine != nullptr && mine->host != nullptr) mine->host->handler_.connected(mine->conn);
  if (full) close(accepted);
  pump(dialler);
}

/// Puts on the wire what the reader's window takes.
void Streams::pump(Half half) {
  auto* mine = find(half);
  auto* other = mine == nullptr ? nullptr : find(mine->peer);
  if (mine == nullptr || mine->peer == 0) return;
  bool moved = false;
  while (!mine->writes.empty() &&
         (other == nullptr || other->unread < network_.config().stream_window)) {
    const auto bytes = std::move(mine->writes.front());
    mine->writes.pop_front();
    moved = true;
    for (std::size_t at = 0; other != nullptr && at < bytes.size();) {
      const auto size = std::min(bytes.size() - at, network_.segment());
      other->last = std::max(other->last, world_.now() + network_.latency());
      other->arriving.push_back(to_bytes(ByteView(bytes).subspan(at, size)));
      other->unread += size;
      world_.at(other->last, [this, to = mine->peer] { deliver(to); });
      at += size;
    }
  }
  if (!mine->writes.empty()) return;
  if (mine->closing) return end(half);
  if (moved) world_.after(kernel_time, [this, half] { written(half); });
}

void Streams::written(Half half) {
  const auto* mine = find(half);
  if (mine == nullptr || mine->host == nullptr || !mine->writes.empty()) return;
  mine->host->handler_.written(mine->conn);
  offer(half);  // it may have been congested until now
}

/// One event for each segment, and always the oldest segment.
void Streams::deliver(Half half) {
  auto* mine = find(half);
  if (mine == nullptr || mine->arriving.empty()) return;
  if (network_.is_cut(mine->node, mine->peer_node))
    return world_.after(retransmit, [this, half] { deliver(half); });
  append(mine->inbox, mine->arriving.front());
  mine->arriving.pop_front();
  offer(half);
}

void Streams::offer(Half half) {
  auto* mine = find(half);
  if (mine == nullptr || mine->host == nullptr) return;
  if (!mine->inbox.empty() && !mine->host->handler_.congested(mine->conn)) {
    const auto inbox = mine->inbox;
    const auto consumed = mine->host->handler_.received(mine->conn, inbox);
    mine = find(half);
    if (mine == nullptr || mine->host == nullptr) return;
    mine->inbox.erase(mine->inbox.begin(),
                      mine->inbox.begin() + static_cast<std::ptrdiff_t>(consumed));
    mine->unread -= consumed;
    if (mine->inbox.size() >= mine->host->limits_.largest_message) return break_now(half);
    pump(mine->peer);
    mine = find(half);
  }
  if (mine != nullptr && mine->ended && mine->arriving.empty()) break_now(half);
}

/// Everything is on the wire: the other side hears of the end behind it.
void Streams::end(Half half) {
  const auto found = ends_.find(half);
  if (found == ends_.end()) return;
  const auto peer = found->second.peer;
  ends_.erase(found);
  auto* other = find(peer);
  if (other == nullptr) return;
  other->last = std::max(other->last, world_.now() + network_.latency());
  world_.at(other->last, [this, peer] { arrive(peer); });
}

/// The other side's end; a cut holds it back like anything else.
void Streams::arrive(Half half) {
  auto* mine = find(half);
  if (mine == nullptr) return;
  if (network_.is_cut(mine->node, mine->peer_node))
    return world_.after(retransmit, [this, half] { arrive(half); });
  mine->ended = true;
  offer(half);
}

void Streams::close(Half half) {
  auto* mine = find(half);
  if (mine == nullptr) return;
  mine->host = nullptr;
  mine->closing = true;
  if (mine->peer == 0) return void(ends_.erase(half));
  pump(half);
}

/// This end is told; the other one hears of it as of any end.
void Streams::break_now(Half half) {
  auto* mine = find(half);
  if (mine == nullptr) return;
  auto* host = mine->host;
  const auto conn = mine->conn;
  end(half);
  tell_closed(host, conn);
}

void Streams::tell_closed(StreamHost* host, ConnId conn) {
  if (host == nullptr) return;
  host->halves_.erase(conn);
  host->handler_.closed(conn);
}

std::size_t Streams::reset(std::size_t a, std::size_t b) {
  std::vector<Half> broken;
  for (const auto& [half, end] : ends_)
    if (end.peer != 0 &&
        ((end.node == a && end.peer_node == b) || (end.node == b && end.peer_node == a)))
      broken.push_back(half);
  for (const auto half : broken) {
    const auto found = ends_.find(half);
    if (found == ends_.end()) continue;  // its owner closed it when it heard of the others
    auto* const host = found->second.host;
    const auto conn = found->second.conn;
    ends_.erase(found);
    tell_closed(host, conn);
  }
  return broken.size() / 2;
}

StreamHost::StreamHost(World& world, std::size_t node, messaging::StreamHandler& handler,
                       Limits limits)
    : world_(world), streams_(world.streams()), node_(node), handler_(handler), limits_(limits) {}

StreamHost::~StreamHost() {
  if (address_) streams_.listening_.erase(*address_);
  for (const auto& [conn, half] : halves_) {
    if (auto* mine = streams_.find(half)) mine->host = nullptr;
    streams_.end(half);
  }
}

void StreamHost::listen(const Address& address) {
  address_ = address;
  streams_.listening_[address] = this;
}

void StreamHost::dial(ConnId id, const Address& to) { halves_[id] = streams_.dial(*this, id, to); }

void StreamHost::write(ConnId id, Bytes bytes) {
  const auto found = halves_.find(id);
  auto* mine = found == halves_.end() ? nullptr : streams_.find(found->second);
  if (mine == nullptr) return;
  mine->writes.push_back(std::move(bytes));
  streams_.pump(found->second);
}

void StreamHost::close(ConnId id) {
  const auto found = halves_.find(id);
  if (found == halves_.end()) return;
  const auto half = found->second;
  halves_.erase(found);
  streams_.close(half);
}

std::optional<StreamHost::Released> StreamHost::release(ConnId id) {
  const auto found = halves_.find(id);
  if (found == halves_.end()) return std::nullopt;
  const Released released{found->second};
  halves_.erase(found);
  streams_.find(released.half)->host = nullptr;
  return released;
}

void StreamHost::adopt(ConnId id, Released released) {
  auto* mine = streams_.find(released.half);
  if (mine == nullptr) return;
  mine->host = this;
  mine->conn = id;
  halves_[id] = released.half;
  handler_.accepted(id);
  streams_.offer(released.half);
}

}  // namespace coterie::sim
