#include <algorithm>

#include "coterie/messaging/links.hpp"

namespace coterie::messaging {

LaneId Links::lane_for(const std::string& peer, std::uint16_t worker) {
  if (!by_peer_.contains({peer, worker}) && lanes_.size() >= max_lanes) return no_lane;
  const auto [found, fresh] =
      by_peer_.try_emplace({peer, worker}, static_cast<LaneId>(lanes_.size()));
  if (fresh) {
    lanes_.emplace_back();
    lanes_.back().peer = peer;
    lanes_.back().worker = worker;
    lanes_.back().pause = config_.reconnect_first;
    lanes_.back().dials = self_.node < peer;
  }
  return found->second;
}

LaneId Links::lane_to(const std::string& peer, std::uint16_t worker) const {
  const auto found = by_peer_.find({peer, worker});
  return found == by_peer_.end() ? no_lane : found->second;
}

void Links::peer_up(const std::string& peer, const Address& address, StartId start,
                    const std::vector<std::uint16_t>& workers, Instant now, LinkEffects& out) {
  if (peer == self_.node) return;
  // A worker that a new life no longer has is not dialled any more.
  for (auto& lane : lanes_)
    if (lane.peer == peer &&
        std::find(workers.begin(), workers.end(), lane.worker) == workers.end())
      lane.wanted = false, lane.dial_at = never;
  for (const auto worker : workers) {
    const auto id = lane_for(peer, worker);
    if (id == no_lane) return void(++counters_.over_limit);
    const bool moved = lanes_[id].address != address;
    // A host that lost its power said no goodbye: the connection to its earlier life is dead. Lives
    // are counted for each data directory, so whoever is at another address is another one too.
    const bool replaced = moved && lanes_[id].address.port != 0;
    if (lanes_[id].conn != ConnId{} && lanes_[id].up && (replaced || lanes_[id].start < start))
      drop(lanes_[id].conn, now, out);
    auto& lane = lanes_[id];
    lane.address = address;
    if (!lane.wanted || moved) lane.pause = config_.reconnect_first;
    lane.wanted = true;
    if (lane.dials && lane.conn == ConnId{} && (lane.dial_at == never || moved)) lane.dial_at = now;
  }
}

void Links::peer_down(const std::string& peer, LinkEffects&) {
  for (auto& lane : lanes_) {
    if (lane.peer != peer) continue;
    lane.wanted = false;
    lane.dial_at = never;
  }
}

Bytes* Links::stage(LaneId id, std::size_t bytes) {
  if (!is_up(id)) return nullptr;
  auto& lane = lanes_[id];
  if (lane.staged_messages >= config_.queue_messages ||
      lane.staging.size() + bytes > config_.queue_bytes) {
    ++counters_.over_limit;
    return nullptr;
  }
  ++lane.staged_messages;
  ++counters_.frames_out;
  return &lane.staging;
}

bool Links::stage_control(LaneId lane, wire::FrameKind kind, ByteView body) {
  auto* const staging = stage(lane, wire::frame_prefix_bytes + body.size());
  if (staging == nullptr) return false;
  wire::append_control(*staging, kind, wire::cluster_tag(self_.cluster), body);
  return true;
}

bool Links::congested(ConnId id) const {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.lane == no_lane) return false;
  const auto& lane = lanes_[found->second.lane];
  return lane.staged_messages >= config_.queue_messages / 2 ||
         lane.staging.size() >= config_.queue_bytes / 2;
}

void Links::flush(Instant now, LinkEffects& out) {
  for (auto& lane : lanes_) {
    if (!lane.up || lane.writing || lane.staging.empty()) continue;
    lane.writing = true;
    lane.write_until = now + config_.write_timeout;
    counters_.bytes_out += lane.staging.size();
    out.emplace_back(Write{lane.conn, std::move(lane.staging)});
    lane.staging = Bytes{};
    lane.staged_messages = 0;
  }
}

void Links::written(ConnId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.lane == no_lane) return;
  auto& lane = lanes_[found->second.lane];
  if (lane.conn == id) lane.writing = false;
}

void Links::tick(Instant now, LinkEffects& out) {
  std::vector<ConnId> late;
  for (const auto& [id, connection] : connections_)
    if (connection.phase != Phase::ready && connection.handshake_until <= now) late.push_back(id);
  // A peer that takes nothing for so long, perhaps because it waits for us to read, is cut off.
  for (const auto& lane : lanes_)
    if (lane.writing && lane.write_until <= now) late.push_back(lane.conn);
  for (const auto id : late) drop(id, now, out);
  for (LaneId id = 0; id < lanes_.size(); ++id)
    if (lanes_[id].dial_at <= now) dial(id, now, out);
}

Instant Links::next_deadline() const {
  auto at = never;
  for (const auto& [id, connection] : connections_)
    if (connection.phase != Phase::ready) at = earliest(at, connection.handshake_until);
  for (const auto& lane : lanes_) {
    at = earliest(at, lane.dial_at);
    if (lane.writing) at = earliest(at, lane.write_until);
  }
  return at;
}

}  // namespace coterie::messaging
