#include "coterie/messaging/links.hpp"

#include <algorithm>

#include "coterie/core/ensure.hpp"

namespace coterie::messaging {
namespace {

constexpr std::uint64_t dialled_bit = std::uint64_t{1}
                                      << 63;  // shells number accepted connections without it

}  // namespace

Links::Links(LinkConfig config, Hello self, Random random)
    : config_(config), self_(std::move(self)), random_(random) {}

void Links::accepted(ConnId id, Instant now, LinkEffects& out) {
  const auto strangers = std::count_if(connections_.begin(), connections_.end(), [](const auto& c) {
    return c.second.phase == Phase::stranger;
  });
  if (static_cast<std::size_t>(strangers) >= max_strangers) {
    ++counters_.over_limit;
    out.emplace_back(Close{id});
    return;
  }
  connections_[id] = {.phase = Phase::stranger,
                      .lane = no_lane,
                      .handshake_until = now + config_.handshake_timeout};
}

void Links::dial(LaneId id, Instant now, LinkEffects& out) {
  auto& lane = lanes_[id];
  lane.dial_at = never;
  lane.conn = ConnId{next_conn_++ | dialled_bit};
  connections_[lane.conn] = {
      .phase = Phase::dialling, .lane = id, .handshake_until = now + config_.handshake_timeout};
  out.emplace_back(Connect{lane.conn, lane.address});
}

void Links::connected(ConnId id, LinkEffects& out) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return out.emplace_back(Close{id}), void();
  found->second.phase = Phase::hello_sent;
  out.emplace_back(
      Write{id, handshake_frame(wire::FrameKind::hello, lanes_[found->second.lane].worker)});
}

Bytes Links::handshake_frame(wire::FrameKind kind, std::uint16_t to_worker) const {
  auto hello = self_;
  hello.to_worker = to_worker;
  Bytes frame;
  wire::append_control(frame, kind, wire::cluster_tag(self_.cluster), encode(hello));
  return frame;
}

void Links::closed(ConnId id, Instant now, LinkEffects& out) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const auto lane = found->second.lane;
  connections_.erase(found);
  if (lane != no_lane && lanes_[lane].conn == id) lane_down(lane, now, out);
}

void Links::drop(ConnId id, Instant now, LinkEffects& out) {
  out.emplace_back(Close{id});
  closed(id, now, out);
}

void Links::lane_down(LaneId id, Instant now, LinkEffects& out) {
  auto& lane = lanes_[id];
  const bool was_up = lane.up;
  lane.up = lane.writing = false;
  lane.conn = {};
  lane.staging.clear();
  lane.staged_messages = 0;
  if (was_up) lane.pause = config_.reconnect_first;
  if (lane.wanted && lane.dials) {
    lane.dial_at = now + (was_up ? Duration::zero() : lane.pause + random_.below(lane.pause / 4));
    lane.pause = std::min(lane.pause * 2, config_.reconnect_limit);
    ++counters_.reconnects;
  }
  if (was_up) out.emplace_back(LaneDown{id});
}

void Links::refuse(ConnId id, Errc code, const std::string& detail, Instant now, LinkEffects& out) {
  ++counters_.refused;
  Bytes frame;
  wire::append_control(frame, wire::FrameKind::refuse, 0, encode(Refuse{code, detail}));
  out.emplace_back(Write{id, std::move(frame)});
  drop(id, now, out);
}

std::optional<Refuse> Links::judge(const Hello& other) const {
  if (other.version_min > self_.version_max || other.version_max < self_.version_min)
    return Refuse{Errc::configuration,
                  "link protocol versions do not overlap: upgrade the older node"};
  if (!self_.cluster.is_set() && !other.cluster.is_set())
    return Refuse{Errc::unavailable, "the cluster is not formed yet"};
  if (self_.cluster.is_set() && other.cluster.is_set() && self_.cluster != other.cluster)
    return Refuse{Errc::wrong_cluster,
                  "node '" + self_.node + "' belongs to cluster " + to_string(self_.cluster) +
                      ", node '" + other.node + "' to " + to_string(other.cluster) +
                      ": check --join, or start with an empty --data directory"};
  return std::nullopt;
}

/// True if the connection is now ready; false if it was refused or handed to another worker.
bool Links::on_hello(ConnId id, const Hello& hello, Instant now, LinkEffects& out) {
  if (hello.to_worker != self_.from_worker) {
    connections_.erase(id);
    out.emplace_back(HandOff{id, hello.to_worker});
    return false;
  }
  if (const auto problem = judge(hello)) {
    out.emplace_back(Refused{hello.node, problem->code, problem->detail});
    refuse(id, problem->code, problem->detail, now, out);
    return false;
  }
  if (!self_.cluster.is_set()) {
    out.emplace_back(AdoptCluster{hello.cluster, hello.node});
    refuse(id, Errc::unavailable, "adopting the cluster id: dial again", now, out);
    return false;
  }
  if (!hello.cluster.is_set()) {
    // It learns the id from our welcome and dials again: who belongs to nobody gets no lane.
    out.emplace_back(Write{id, handshake_frame(wire::FrameKind::welcome, hello.from_worker)});
    drop(id, now, out);
    return false;
  }
  const auto lane = lane_for(hello.node, hello.from_worker);
  if (lane == no_lane) {
    ++counters_.over_limit;
    refuse(id, Errc::busy, "too many lanes", now, out);
    return false;
  }
  if (lanes_[lane].conn != ConnId{})
    drop(lanes_[lane].conn, now, out);  // it redials only if it lost the old one
  out.emplace_back(Write{id, handshake_frame(wire::FrameKind::welcome, hello.from_worker)});
  make_ready(id, lane, hello, out);
  return true;
}

void Links::on_welcome(ConnId id, const Hello& welcome, Instant now, LinkEffects& out) {
  const auto lane = connections_.at(id).lane;
  if (welcome.node != lanes_[lane].peer) {
    out.emplace_back(LogEvent{LogLevel::warning, "dialled '" + lanes_[lane].peer + "' at " +
                                                     to_string(lanes_[lane].address) + " but '" +
                                                     welcome.node + "' answered"});
    return drop(id, now, out);
  }
  if (const auto problem = judge(welcome)) {
    out.emplace_back(Refused{welcome.node, problem->code, problem->detail});
    ++counters_.refused;
    return drop(id, now, out);
  }
  if (!self_.cluster.is_set()) {
    out.emplace_back(AdoptCluster{welcome.cluster, welcome.node});
    return drop(id, now, out);
  }
  make_ready(id, lane, welcome, out);
}

void Links::make_ready(ConnId id, LaneId lane_id, const Hello& other, LinkEffects& out) {
  auto& connection = connections_.at(id);
  connection.phase = Phase::ready;
  connection.lane = lane_id;
  auto& lane = lanes_[lane_id];
  lane.conn = id;
  lane.up = lane.was_up = true;
  lane.writing = false;
  lane.start = other.start;
  lane.dial_at = never;
  lane.pause = config_.reconnect_first;
  out.emplace_back(LaneUp{lane_id, lane.peer, lane.worker, self_.features & other.features});
}

std::optional<Frame> Links::next_frame(ConnId id, ByteView& rest, Instant now, LinkEffects& out) {
  while (true) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return std::nullopt;
    const auto prefix = wire::read_prefix(rest);
    if (!prefix) return std::nullopt;
    const bool known = found->second.phase == Phase::ready;
    const bool small = known || prefix->length <= max_handshake_bytes;
    const bool ours = !known || prefix->cluster_tag == wire::cluster_tag(self_.cluster);
    if (!wire::plausible(*prefix) || !small || !ours) {
      ++counters_.malformed;
      drop(id, now, out);
      return std::nullopt;
    }
    if (rest.size() < prefix->length) return std::nullopt;
    const auto bytes = rest.first(prefix->length);
    const auto before = rest;
    rest = rest.subspan(prefix->length);
    ++counters_.frames_in;
    counters_.bytes_in += bytes.size();
    const auto effects_before = out.size();
    auto frame = take_frame(id, found->second, bytes, prefix->kind, now, out);
    for (auto i = effects_before; i < out.size(); ++i)
      if (std::holds_alternative<HandOff>(out[i]))
        rest = before;  // the other worker reads the hello again
    if (frame) return frame;
  }
}

std::optional<Frame> Links::take_frame(ConnId id, Connection& conn, ByteView bytes,
                                       wire::FrameKind kind, Instant now, LinkEffects& out) {
  const auto body = bytes.subspan(wire::frame_prefix_bytes);
  if (conn.phase == Phase::ready) return Frame{conn.lane, kind, bytes};
  if (conn.phase == Phase::stranger && kind == wire::FrameKind::hello) {
    if (const auto hello = decode_hello(body)) return on_hello(id, *hello, now, out), std::nullopt;
  } else if (conn.phase == Phase::hello_sent && kind == wire::FrameKind::welcome) {
    if (const auto welcome = decode_hello(body))
      return on_welcome(id, *welcome, now, out), std::nullopt;
  } else if (conn.phase == Phase::hello_sent && kind == wire::FrameKind::refuse) {
    if (const auto refusal = decode_refuse(body)) {
      out.emplace_back(Refused{lanes_[conn.lane].peer, refusal->code, refusal->detail});
      return drop(id, now, out), std::nullopt;
    }
  }
  ++counters_.malformed;
  drop(id, now, out);
  return std::nullopt;
}

}  // namespace coterie::messaging
