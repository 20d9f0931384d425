#include <algorithm>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

using messaging::LaneId;

NodeEffects NodeCore::link_accepted(ConnId id, Instant now) {
  NodeEffects out;
  messaging::LinkEffects effects;
  links_.accepted(id, now, effects);
  take(std::move(effects), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::link_connected(ConnId id, Instant now) {
  NodeEffects out;
  messaging::LinkEffects effects;
  links_.connected(id, effects);
  take(std::move(effects), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::link_closed(ConnId id, Instant now) {
  NodeEffects out;
  messaging::LinkEffects effects;
  links_.closed(id, now, effects);
  take(std::move(effects), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::link_written(ConnId id, Instant now) {
  links_.written(id);
  return finish({}, now);
}

NodeEffects NodeCore::link_received(ConnId id, ByteView bytes, std::size_t& consumed, Instant now) {
  NodeEffects out;
  messaging::LinkEffects effects;
  auto rest = bytes;
  while (const auto frame = links_.next_frame(id, rest, now, effects)) {
    take(std::exchange(effects, {}), now, out);
    if (const auto peer = lanes_up_.find(frame->lane); peer != lanes_up_.end())
      heard(peer->second, now);
    on_frame(*frame, now, out);
  }
  take(std::move(effects), now, out);
  consumed = bytes.size() - rest.size();
  return finish(std::move(out), now);
}

void NodeCore::take(messaging::LinkEffects&& effects, Instant now, NodeEffects& out) {
  for (auto& effect : effects) {
    std::visit(
        [&](auto& e) {
          using E = std::decay_t<decltype(e)>;
          if constexpr (std::is_same_v<E, messaging::LaneUp>) {
            lanes_up_[e.lane] = e.peer;
            had_lane_ = true;
            heard(e.peer, now);
            broken_.erase(e.peer);
            if (table_.formed()) send_table(e.lane);
            if (leads_registers()) announce(e.lane);
            ask_again();  // it may be the register's host: claim at once
          } else if constexpr (std::is_same_v<E, messaging::LaneDown>) {
            const auto peer = lanes_up_[e.lane];
            swim_.beats_ended(peer);
            leaving_peers_.erase(peer);
            if (slow_peers_.erase(peer) > 0) routes_dirty_ = true;
            std::erase_if(broken_, [&](const auto& one) { return now - one.second >= dead_for; });
            broken_[peer] = now;
            table_versions_.erase(peer);
            suspects_.push_back(peer);
            heard_[peer] = earliest(heard_[peer], now + (reconnect_grace - silence()));
            look_at_ = earliest(look_at_, now + reconnect_grace);
            if (peer == announced_leader_) announced_leader_.clear();
            lanes_up_.erase(e.lane);
            std::erase_if(swap_askers_,
                          [&](const auto& asker) { return asker.second.lane == e.lane; });
          } else if constexpr (std::is_same_v<E, messaging::AdoptCluster>) {
            adopt(e, out);
          } else if constexpr (std::is_same_v<E, messaging::Refused>) {
            on_refused(e, out);
          } else {
            out.emplace_back(std::move(e));
          }
        },
        effect);
  }
}

void NodeCore::adopt(const messaging::AdoptCluster& adopt, NodeEffects& out) {
  if (cluster_.is_set() || persisting_) return;
  out.emplace_back(LogEvent{LogLevel::info, "adopting cluster " + to_string(adopt.cluster) +
                                                " from '" + adopt.peer + "'"});
  persisting_ = PersistIdentity{.cluster = adopt.cluster};
  out.emplace_back(*persisting_);
}

/// A node that is told by its own seed, before it ever had a lane, that it is of another cluster
/// ends with that message; so does one that was never ready, whose protocol is another one. A node
/// that serves only notes it: otherwise one stranger could stop a healthy cluster.
void NodeCore::on_refused(const messaging::Refused& refused, NodeEffects& out) {
  if (refused.code != Errc::wrong_cluster && refused.code != Errc::configuration) return;
  const auto* const peer = swim_.members().find(refused.peer);
  const bool by_seed = peer != nullptr && std::find(config_.seeds.begin(), config_.seeds.end(),
                                                    peer->gossip) != config_.seeds.end();
  const bool settled = refused.code == Errc::wrong_cluster ? had_lane_ : was_ready_;
  if (by_seed && !settled) return void(out.emplace_back(Stop{error(refused.code, refused.detail)}));
  out.emplace_back(
      LogEvent{LogLevel::warning, "link with '" + refused.peer + "' refused: " + refused.detail});
}

void NodeCore::send_control(LaneId lane, wire::FrameKind kind, const Bytes& body) {
  const auto size = wire::frame_prefix_bytes + body.size();
  if (size > wire::max_frame_bytes) return;  // cannot be: registers and batches are bounded
  links_.stage_control(lane, kind, body);
}

void NodeCore::tick_beats(Instant now) {
  if (lanes_up_.empty() || now < next_beat_) return;
  const auto crowd = static_cast<std::int64_t>(1 + lanes_up_.size() / beat_lanes);
  next_beat_ = now + beat_interval * crowd;
  const auto beat = own_beat();
  for (const auto& [lane, peer] : lanes_up_) send_control(lane, wire::FrameKind::beat, beat);
}

/// Whether others are to lead its shards, and how much it knows.
Bytes NodeCore::own_beat() const {
  Bytes body;
  append_le(body, leaving_ ? beat_leaves : disk_.slow() ? beat_slow : std::uint8_t{0});
  append_le(body, table_version());
  return body;
}

/// A peer that knows less than we do, and learned nothing since its beat before, missed a word.
void NodeCore::on_beat(const messaging::Frame& frame, Instant now) {
  const auto found = lanes_up_.find(frame.lane);
  if (found == lanes_up_.end()) return;
  const auto& peer = found->second;
  swim_.beat(peer, now);
  const auto body = frame.bytes.subspan(wire::frame_prefix_bytes);
  constexpr std::size_t beat_bytes = 1 + 8;
  if (body.size() < beat_bytes) return;  // of an older version
  const bool changed =
      body[0] == beat_slow ? slow_peers_.insert(peer).second : slow_peers_.erase(peer) > 0;
  routes_dirty_ = routes_dirty_ || changed;
  if (body[0] != 0 && body[0] != beat_slow) leaving_peers_.insert(peer);
  else leaving_peers_.erase(peer);
  const auto version = load_le<std::uint64_t>(body.data() + 1);
  const auto [known, fresh] = table_versions_.try_emplace(peer, version);
  const bool stuck = !fresh && known->second == version;
  known->second = version;
  if (stuck && version < table_version() && table_.formed()) send_table(frame.lane);
}

void NodeCore::send_table(LaneId lane) {
  send_control(lane, wire::FrameKind::table, sharding::encode(table_));
}

void NodeCore::on_frame(const messaging::Frame& frame, Instant now, NodeEffects& out) {
  const auto body = frame.bytes.subspan(wire::frame_prefix_bytes);
  switch (frame.kind) {
    case wire::FrameKind::beat: return on_beat(frame, now);
    case wire::FrameKind::table:
      if (const auto table = sharding::decode_shard_table(body)) return merge(*table);
      break;
    case wire::FrameKind::meta_swap: return on_meta_swap(frame, now, out);
    case wire::FrameKind::raft:
      if (const auto message = replication::raft::decode_message(body)) {
        // An old copy forgot what it promised: it takes no part until its disk is replaced.
        const auto peer = lanes_up_.find(frame.lane);
        const bool own_word = peer != lanes_up_.end() && peer->second == message->from.node;
        if (store_ && own_word && !old_copy_) take(store_->receive(*message, now), now, out);
        return;
      }
      break;
    case wire::FrameKind::leader:
      if (body.size() < sizeof(std::uint64_t)) break;
      if (const auto peer = lanes_up_.find(frame.lane); peer != lanes_up_.end())
        on_announced(peer->second, body, now);
      return;
    case wire::FrameKind::meta_result: {
      std::uint64_t token = 0;
      std::vector<replication::SwapResult> results;
      if (replication::decode_results(body, token, results)) return on_results(results);
      break;
    }
    default: break;
  }
  out.emplace_back(LogEvent{LogLevel::warning, "a control frame of kind " +
                                                   std::to_string(static_cast<int>(frame.kind)) +
                                                   " did not decode"});
}

}  // namespace coterie::cluster
