#include <algorithm>

#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

using sharding::shard_of;

namespace {

/// A route never goes back to an earlier epoch: `Moved` may have told of a later one.
RoutesPtr newest(RoutesPtr routes, const RoutesPtr& known) {
  const auto is_newer = [&](std::size_t i) {
    return known->table.registers[i].epoch > routes->table.registers[i].epoch;
  };
  bool behind = false;
  for (std::size_t i = 0; known && i < sharding::shard_count && !behind; ++i) behind = is_newer(i);
  if (!behind) return routes;  // a table is large: it is copied only where it has to be
  auto merged = std::make_shared<Routes>(*routes);
  return merged->table.merge(known->table) ? std::move(merged) : std::move(routes);
}

}  // namespace

void ShardCore::routes(RoutesPtr routes, Instant now, ShardSink& out) {
  current_ = newest(std::move(routes), current_);
  config_.self.cluster = current_->cluster;
  links_.set_cluster(current_->cluster);
  messaging::LinkEffects effects;
  for (const auto& peer : current_->peers) {
    if (!peer.present) {
      links_.peer_down(peer.name, effects);
      continue;
    }
    if (!current_->cluster.is_set()) continue;
    std::vector<std::uint16_t> workers;
    for (std::uint16_t w = 1; w <= peer.data_workers; ++w) workers.push_back(w);
    links_.peer_up(peer.name, peer.link, peer.start, workers, now, effects);
  }
  take_link_effects(std::move(effects), out);
  rebuild_routes();
  abandon_moved(out);
  host(now, out);
  if (current_->table.formed()) unpark(unrouted_, now, out);
}

void ShardCore::rebuild_routes() {
  if (!current_ || !current_->table.formed()) return;
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto old = std::exchange(route_[i], route_of(ShardId{i}));
    const bool same = route_[i].kind == old.kind && route_[i].lane == old.lane;
    route_[i].used = same && old.used;
    if (same && route_[i].epoch == old.epoch && !leads_somewhere(route_[i]))
      route_[i].away_since = old.away_since;  // else another fail-over may come
    if (!same) look_again_ = true, raise_fence(ShardId{i}, old);
  }
}

Route ShardCore::route_of(ShardId shard) const {
  const auto& entry = current_->table.at(shard);
  Route route{RouteKind::absent, messaging::no_lane, entry.epoch};
  if (entry.primary == config_.self.node) {
    if (entry.disk == 0 || is_ours(entry.leader())) route.kind = RouteKind::local;
    return route;  // else it was led from a disk that is not here
  }
  const auto* const owner = peer(entry.primary);
  if (owner == nullptr || !owner->present) return route;
  route.kind = RouteKind::remote;
  route.lane = links_.lane_to(owner->name, worker_of(shard, owner->data_workers));
  return route;
}

/// Asks that went to a node which leads the shard no longer: it may stand still with its connection
/// open, and then nothing would come before their deadlines. One that handed it over sends them on.
void ShardCore::abandon_moved(ShardSink& out) {
  const auto abandoned = asks_.where([&](const messaging::OpenAsk& open) {
    const auto& route = route_[open.shard];
    const auto& entry = current_->table.registers[open.shard];
    if (entry.rule == replication::Rule::handed_over && entry.before == links_.peer_of(open.lane) &&
        links_.is_up(open.lane))
      return false;
    return open.lane != local_lane && (route.kind != RouteKind::remote || route.lane != open.lane);
  });
  lose(abandoned, false, out);
}

void ShardCore::accepted(ConnId conn, Instant now, ShardSink& out) {
  messaging::LinkEffects effects;
  links_.accepted(conn, now, effects);
  take_link_effects(std::move(effects), out);
}

void ShardCore::connected(ConnId conn, ShardSink& out) {
  messaging::LinkEffects effects;
  links_.connected(conn, effects);
  take_link_effects(std::move(effects), out);
}

void ShardCore::closed(ConnId conn, Instant now, ShardSink& out) {
  messaging::LinkEffects effects;
  links_.closed(conn, now, effects);
  take_link_effects(std::move(effects), out);
}

void ShardCore::take_link_effects(messaging::LinkEffects&& effects, ShardSink& out) {
  for (auto& effect : effects) {
    if (const auto* up = std::get_if<messaging::LaneUp>(&effect)) {
      credits_.lane_up(up->lane, (up->features & messaging::feature_credits) != 0);
      lane_came_up_ = look_again_ = true;
      rebuild_routes();
    } else if (const auto* down = std::get_if<messaging::LaneDown>(&effect)) {
      lose(asks_.where([&](const auto& open) { return open.lane == down->lane; }), false, out);
      drop_fences(down->lane);
      look_again_ = true;
    } else if (auto* refused = std::get_if<messaging::Refused>(&effect)) {
      if (refused->code !=
          Errc::unavailable)  // that one mends itself: a cluster is being formed or adopted
        out.log({LogLevel::warning, "link to '" + refused->peer + "' refused: " + refused->detail});
    } else if (auto* line = std::get_if<LogEvent>(&effect)) {
      out.log(std::move(*line));
    } else if (!std::holds_alternative<messaging::AdoptCluster>(
                   effect)) {  // adoption is the node core's
      out.link(std::move(effect));
    }
  }
}

std::size_t ShardCore::received(ConnId conn, ByteView bytes, Instant now, ShardSink& out) {
  messaging::LinkEffects effects;
  auto rest = bytes;
  while (auto frame = links_.next_frame(conn, rest, now, effects)) {
    if (!effects.empty()) take_link_effects(std::exchange(effects, {}), out);
    const auto request =
        frame->kind == wire::FrameKind::request ? wire::read_request(frame->bytes) : std::nullopt;
    const auto reply =
        frame->kind == wire::FrameKind::reply ? wire::read_reply(frame->bytes) : std::nullopt;
    if (request) {
      on_request(frame->lane, *request, now, out);
    } else if (reply) {
      on_reply(frame->lane, *reply, now, out);
    } else if (!on_control(*frame, now, out)) {
      out.link(messaging::Close{conn});
      links_.closed(conn, now, effects);
      break;
    }
  }
  take_link_effects(std::move(effects), out);
  if (std::exchange(lane_came_up_, false)) unpark(unrouted_, now, out);
  return bytes.size() - rest.size();
}

/// False: its sender breaks the protocol.
bool ShardCore::on_control(const messaging::Frame& frame, Instant now, ShardSink& out) {
  const auto body = frame.bytes.subspan(wire::frame_prefix_bytes);
  switch (frame.kind) {
    case wire::FrameKind::shard_log: return on_shard_log(frame.lane, body, now, out);
    case wire::FrameKind::placement: return on_placement(frame.lane, body, now, out);
    case wire::FrameKind::credit: return on_credit(frame.lane, body, now, out);
    case wire::FrameKind::fence: return on_fence(frame.lane, body, now, out);
    case wire::FrameKind::fence_passed: return on_fence_passed(body, now, out);
    default: return false;
  }
}

void ShardCore::on_request(messaging::LaneId lane, const wire::RequestView& request, Instant now,
                           ShardSink& out) {
  ++counters_.commands;
  ++counters_.received;
  const auto& header = request.header;
  credits_.arrived(lane, header.shard,
                   wire::request_header_bytes + request.entity.size() + request.payload.size());
  Command command{.to = {lane, header.session, header.sequence,
                         (header.flags & wire::flag_ask) != 0, credits_.life(lane)},
                  .type = header.type,
                  .tag = header.tag,
                  .id = header.command,
                  .deadline = header.deadline_us == 0
                                  ? never
                                  : now + std::chrono::microseconds(header.deadline_us),
                  .epoch = header.epoch,
                  .hash = sharding::entity_hash(text(request.entity)),
                  .entity = text(request.entity),
                  .payload = request.payload,
                  .relayed = (header.flags & wire::flag_forwarded) != 0,
                  .known_only = (header.flags & wire::flag_known_only) != 0};
  if (request.entity.empty() || shard_of(command.hash) != header.shard)
    return fail(command, Errc::malformed, "the shard does not belong to the entity id", {}, out);
  if (worker_of(header.shard, config_.data_workers) != config_.self.from_worker) {
    ++counters_.unavailable;  // an earlier life of this node had another number of workers
    return fail(command, Errc::unavailable, "the caller's view of this node is old", 100ms, out);
  }
  dispatch(command, now, out);
}

void ShardCore::on_reply(messaging::LaneId lane, const wire::ReplyView& reply, Instant now,
                         ShardSink& out) {
  const auto& header = reply.header;
  if (header.session != config_.self.session) return;
  const auto* const open = asks_.find(header.sequence);
  if (open == nullptr || open->lane != lane) return;  // late: answered, or asked elsewhere since
  if (header.status != static_cast<std::uint8_t>(Errc::moved))
    return finish_ask(*asks_.close(header.sequence),
                      {open->token, header.status, header.epoch, header.entity_sequence,
                       header.retry_after_ms, reply.payload},
                      out);
  // A stale route: correct it; then the command goes where that leads.
  ++counters_.moved;
  const auto newer = replication::decode_register(reply.payload);
  if (newer && header.shard.value < sharding::shard_count) learn(header.shard, *newer, now, out);
  const auto* const still = asks_.find(header.sequence);
  if (still != nullptr && still->lane == lane) lose({header.sequence}, true, out);
}

/// Of one register, from who knows it earlier than the coordinator's word comes.
bool ShardCore::learn(ShardId shard, const replication::Register& newer, Instant now,
                      ShardSink& out) {
  if (!current_) return false;
  const auto known = current_->table.at(shard).epoch;
  if (newer.epoch <= known || newer.epoch.value - known.value > max_epoch_lead) return false;
  auto corrected = std::make_shared<Routes>(*current_);
  if (!corrected->table.merge(shard, newer)) return false;
  current_ = std::move(corrected);
  rebuild_routes();
  abandon_moved(out);
  host(now, out);
  return true;
}

void ShardCore::send_moved(const Command& command, ShardSink& out) {
  if (is_remote(command)) ++counters_.rejected;
  answer_moved(command.to, shard_of(command.hash), out);
}

void ShardCore::answer_moved(const ReplyTo& to, ShardId shard, ShardSink& out) {
  ++counters_.moved;
  Bytes payload;
  replication::append_register(payload, current_->table.at(shard));
  answer(to, {.status = static_cast<std::uint8_t>(Errc::moved), .shard = shard, .payload = payload},
         out);
}

}  // namespace coterie::cluster
