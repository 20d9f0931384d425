/// A planned move, on the side of who gives the shard away: steps 3 to 6 of the placement contract.
/// Steps 1 and 2 are the register's: its successor is a replica, and the log brings it in sync.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

namespace shard_log = replication::shard_log;

const Peer* ShardCore::peer(std::string_view name) const {
  const auto found = std::lower_bound(
      current_->peers.begin(), current_->peers.end(), name,
      [](const Peer& known, std::string_view wanted) { return known.name < wanted; });
  return found == current_->peers.end() || found->name != name ? nullptr : &*found;
}

/// Goes as far as it can now. Before the switch is proposed everything can be taken back.
void ShardCore::hand_off(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  if (!current_ || !hosted.replica || !hosted.replica->serves()) return;
  const auto& entry = current_->table.at(shard);
  const auto* const heir = peer(entry.successor.node);
  const bool wanted = entry.moves() && entry.epoch == hosted.replica->epoch() && heir != nullptr &&
                      has_copy(*heir, entry.successor) &&
                      shard_log::holds(entry.in_sync, entry.successor);
  if (hosted.drain_until == never) {
    if (!wanted || now < hosted.hand_off_at) return;
    begin_hand_off(shard, now, out);
  } else if (!wanted || now >= hosted.drain_until) {
    if (!wanted || !hosted.delay.stalls()) return abort_hand_off(shard, now, out);
    hosted.drain_until = now + hand_off_pause;  // what waits goes to whoever leads then
    return give_up(shard, now, out);
  }
  if (!hosted.held.empty() || !hosted.reads.empty() ||
      !hosted.replica->may_hand_over(entry.successor))
    return;
  take(shard, hosted.replica->hand_over(entry.successor, heir->start, now), now, out);
}

/// What waits for an entity's activation waits for the next primary now, in its order.
void ShardCore::begin_hand_off(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.drain_until = now + (hosted.delay.stalls() ? slow_drain_limit : drain_limit);
  set_phase(shard, ShardPhase::handing_over, "", out);
  rehome_mailboxes(shard);
}

void ShardCore::abort_hand_off(ShardId shard, Instant now, ShardSink& out) {
  auto& hosted = hosted_[shard.value];
  hosted.drain_until = never;
  hosted.hand_off_at = now + hand_off_pause;
  follow_phase(shard, now, out);
}

/// What waited while somebody else came to lead, and for a while what still comes here, is sent on
/// if this was the planned end. The next primary hears of it first: it may know less.
void ShardCore::send_parked_on(ShardId shard, Instant now, ShardSink& out) {
  if (!current_) return;
  auto& hosted = hosted_[shard.value];
  const auto& entry = current_->table.at(shard);
  if (entry.rule == replication::Rule::handed_over && entry.before == config_.self.node &&
      entry.rule_epoch > hosted.handed_over) {
    hosted.handed_over = entry.rule_epoch;
    hosted.forwards_until = now + forward_for;
    ++counters_.handed_over;
  }
  const auto& route = route_[shard.value];
  if (route.kind == RouteKind::local || hosted.parked.empty()) return;
  if (route.kind == RouteKind::remote && now < hosted.forwards_until)
    tell_placement(route.lane, shard);
  unpark(hosted.parked, now, out);
}

/// Step 6: a command that came here goes on to the new primary, and its answer comes back this way.
void ShardCore::relay(const Command& command, const Route& route, Instant now, ShardSink& out) {
  const auto shard = sharding::shard_of(command.hash);
  tell_placement(command.to.lane, shard);
  auto onward = command;
  onward.relayed = onward.waits = true;
  onward.to = {.lane = local_lane,
               .session = config_.self.session,
               .sequence = 0,
               .wanted = command.to.wanted};
  if (command.to.wanted) {
    const auto token = next_relay_++;
    const auto correlation = asks_.open({.token = token,
                                         .lane = route.lane,
                                         .deadline = command.deadline,
                                         .shard = shard.value,
                                         .relayed = true});
    if (!correlation)
      return ++counters_.busy,
             fail(command, Errc::busy, "too many open asks on this worker", 100ms, out);
    relays_[token] = command.to;
    onward.to.sequence = *correlation;
  }
  ++counters_.forwarded;
  ++counters_.relayed;
  forward(onward, route, now, out);
}

/// Who learns of the register from its last primary need not wait for the coordinator.
void ShardCore::tell_placement(messaging::LaneId lane, ShardId shard) {
  Bytes body;
  append_le(body, shard.value);
  replication::append_register(body, current_->table.at(shard));
  links_.stage_control(lane, wire::FrameKind::placement, body);
}

/// From who handed it over or leads it, and from nobody else.
bool ShardCore::on_placement(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out) {
  if (body.size() < sizeof(std::uint16_t)) return false;
  const ShardId shard{load_le<std::uint16_t>(body.data())};
  const auto newer = replication::decode_register(body.subspan(sizeof(std::uint16_t)));
  if (!newer || shard.value >= sharding::shard_count) return false;
  const auto from = links_.peer_of(lane);
  if (from != newer->before && from != newer->primary) return true;
  learn(shard, *newer, now, out);
  return true;
}

}  // namespace coterie::cluster
