#include "coterie/cluster/shard_core.hpp"

#include <algorithm>

namespace coterie::cluster {

using sharding::shard_of;

namespace {

constexpr Duration retry_soon = 100ms;      // a table, a lane or a recovery is on its way
constexpr Duration sweep_interval = 100ms;  // idle entities are looked for this often
constexpr std::size_t sweep_count = 1000;   // records looked at in one sweep

ShardCoreConfig granting_credits(ShardCoreConfig config) {
  config.self.features |= messaging::feature_credits;
  return config;
}

}  // namespace

ShardCore::ShardCore(ShardCoreConfig config, const std::vector<sharding::EntityType>& types,
                     Random random, Instant now)
    : config_(granting_credits(std::move(config))),
      types_(types),
      links_(config_.links, config_.self, random),
      asks_(now),
      credits_(config_.credits) {
  next_sweep_ = now + sweep_interval;
  next_remember_ = now + remember_interval;
  next_trim_ = now + trim_interval;
}

void ShardCore::ask(const LocalAsk& ask, Instant now, ShardSink& out) {
  ++counters_.commands;
  Command command{.to = {.lane = local_lane,
                         .session = config_.self.session,
                         .sequence = 0,
                         .wanted = ask.wants_reply},
                  .type = ask.type,
                  .tag = ask.tag,
                  .id = ask.command,
                  .deadline = ask.deadline,
                  .hash = sharding::entity_hash(ask.id),
                  .entity = ask.id,
                  .payload = ask.payload,
                  .waits = ask.waits,
                  .order = next_order_++};
  const auto refuse = [&](Errc code, std::string_view detail, Duration retry) {
    if (!ask.wants_reply) return;
    out.complete({.token = ask.token,
                  .status = static_cast<std::uint8_t>(code),
                  .retry_after_ms = static_cast<std::uint32_t>(retry / 1ms),
                  .payload = view(detail)});
  };
  if (ask.id.empty() || ask.id.size() > wire::max_entity_id_bytes)
    return refuse(Errc::message_too_large, "an entity id has 1 to 255 bytes", {});
  if (ask.payload.size() > wire::max_payload_bytes)
    return refuse(Errc::message_too_large, "a command has at most 1 MiB", {});
  if (draining_) return refuse(Errc::unavailable, "this node is leaving", retry_soon);
  if (ask.deadline <= now)
    return refuse(Errc::expired, "the deadline had passed before the ask", {});
  if (ask.wants_reply) {
    const auto correlation = asks_.open({.token = ask.token,
                                         .lane = local_lane,  // until it is sent
                                         .deadline = ask.deadline,
                                         .hash = command.hash,
                                         .shard = shard_of(command.hash).value,
                                         .order = command.order});
    if (!correlation)
      return ++counters_.busy, refuse(Errc::busy, "too many open asks on this worker", retry_soon);
    command.to.sequence = *correlation;
  }
  dispatch(command, now, out);
}

void ShardCore::dispatch(const Command& command, Instant now, ShardSink& out) {
  if (look_again_) look_again(now, out);
  const auto shard = shard_of(command.hash);
  const auto& route = route_[shard.value];
  if (fenced(command, out)) return;
  switch (route.kind) {
    case RouteKind::unknown:
      if (!park(unrouted_, command))
        fail(command, Errc::busy, "too many commands wait for the shard table", retry_soon, out);
      return;
    case RouteKind::absent:
      if (command.to.lane != local_lane && !command.fence && command.epoch > route.epoch &&
          park_for_news(command, now))
        return;  // its sender knows more than we do
      if (is_remote(command) && !command.relayed && command.epoch < route.epoch)
        return send_moved(command, out);  // it may wait for the next owner
      if (hold_for_owner(command, now)) return;
      ++counters_.unavailable;
      return fail(command, Errc::unavailable, "the owner of the shard is down or has left", 500ms,
                  out);
    case RouteKind::remote:
      if (command.fence) return pass_fence(command, now, out);
      if (command.to.lane == local_lane) return forward(command, route, now, out);
      // Its sender knows more than we do, and soon so will we: it may be we who lead.
      if (command.epoch > route.epoch && park_for_news(command, now)) return;
      if (!command.relayed && now < hosted_[shard.value].forwards_until &&
          (links_.is_up(route.lane) || command.epoch >= route.epoch))
        return relay(command, route, now, out);
      return send_moved(command, out);  // one hop only
    case RouteKind::local: note_sent(command); break;
  }
  auto& hosted = hosted_[shard.value];
  if (command.fence && hosted.phase == ShardPhase::serving && !hosted.parked.empty() &&
      park(hosted.parked, command))
    return;  // behind what waits for news
  if (command.fence && (command.relayed || hosted.phase == ShardPhase::serving))
    return pass_fence(command, now, out);
  switch (hosted.phase) {
    case ShardPhase::serving:
      // Its sender knows of a later epoch of ours: so shall we, in a moment.
      if (command.epoch > hosted.replica->epoch() && park_for_news(command, now)) return;
      if (hosted.delay.in_vain()) {
        ++counters_.unavailable;
        return fail(command, Errc::unavailable,
                    "too few of the shard's copies that are in sync are up: nothing is committed "
                    "until enough of them are back",
                    500ms, out);
      }
      return deliver(hosted, command, now, out);
    case ShardPhase::failed:
      ++counters_.unavailable;
      return fail(command, Errc::storage, "the owner's disk failed: " + hosted.failure, 500ms, out);
    default:
      if (waits_in_vain(shard, now)) {
        ++counters_.unavailable;
        return fail(command, Errc::storage, "the owner's disk failed: " + hosted.failure, 500ms,
                    out);
      }
      if (!park_in_order(hosted.parked, command))
        fail(command, Errc::busy, "too many commands wait for the recovery", retry_soon, out);
  }
}

/// Opened again after its disk failed it needs a later epoch, for which a full disk may have no
/// room either: nobody waits for that to his deadline.
bool ShardCore::waits_in_vain(ShardId shard, Instant now) const {
  const auto& hosted = hosted_[shard.value];
  return route_[shard.value].epoch <= hosted.closed && now - hosted.failing_since > reopen_patience;
}

void ShardCore::forward(const Command& command, const Route& route, Instant now, ShardSink& out) {
  const auto size = wire::request_header_bytes + command.entity.size() + command.payload.size();
  if (command.deadline <= now) {
    ++counters_.expired;
    return fail(command, Errc::expired, "the deadline passed before the command was sent", {}, out);
  }
  if (!links_.is_up(route.lane)) {
    if (links_.awaits_first_connection(route.lane) && park(unrouted_, command)) return;
    if (hold_for_owner(command, now)) return;
    ++counters_.unavailable;
    return fail(command, Errc::unavailable, "no link to the owner of the shard", retry_soon, out);
  }
  if (!take_credit(command, route, now, out)) return;
  auto* staging = links_.stage(route.lane, size);
  if (staging == nullptr && wait_for_room(command, route)) return;
  if (staging == nullptr)
    return fail(command, Errc::busy, "the link to the owner is full", retry_soon, out);
  credits_.sent(route.lane, shard_of(command.hash), size, now);
  ++counters_.sent;
  note_sent(command);
  const auto left =
      command.deadline == never ? 0 : std::max<std::int64_t>(1, (command.deadline - now) / 1us);
  const auto begins = staging->size();
  wire::append_request(
      *staging,
      {.flags = static_cast<std::uint16_t>((command.to.wanted ? wire::flag_ask : 0) |
                                           (command.relayed ? wire::flag_forwarded : 0) |
                                           (command.known_only ? wire::flag_known_only : 0)),
       .cluster_tag = wire::cluster_tag(config_.self.cluster),
       .deadline_us = static_cast<std::uint32_t>(std::min<std::int64_t>(left, UINT32_MAX)),
       .session = command.to.session,
       .sequence = command.to.sequence,
       .epoch = route.epoch,
       .shard = shard_of(command.hash),
       .tag = command.tag,
       .type = command.type,
       .command = command.id},
      view(command.entity), command.payload);
  if (!command.to.wanted) return;
  const auto sends = asks_.sent(command.to.sequence, route.lane, ByteView(*staging).subspan(begins),
                                command.id.is_set() && !command.relayed);
  counters_.resent += sends > 1 ? 1 : 0;
}

/// Its sender knows of an epoch that we do not, which may also be none: it does not wait for ever.
bool ShardCore::park_for_news(const Command& command, Instant now) {
  auto patient = command;
  patient.deadline = earliest(command.deadline, now + news_wait);
  return park(hosted_[shard_of(command.hash).value].parked, patient);
}

/// What was to be sent on to another primary, and had no credit, comes back to this one when it is
/// to lead: before what its sender sent later, knowing of that.
bool ShardCore::park_in_order(ParkedCommands& queue, const Command& command) {
  if (!park(queue, command)) return false;
  if (!command.relayed || command.to.lane != local_lane) return true;
  const auto last = queue.end() - 1;
  std::rotate(
      std::find_if(queue.begin(), last,
                   [&](const Parked& other) { return other.command.epoch > command.epoch; }),
      last, queue.end());
  return true;
}

/// Nobody waits for these any more; their places are for others.
void ShardCore::drop_expired(ParkedCommands& queue, Instant now, ShardSink& out) {
  std::erase_if(queue, [&](const Parked& parked) {
    if (parked.command.deadline > now) return false;
    unhold(parked);
    ++counters_.expired;
    fail(parked.command, Errc::expired, "the deadline passed while the command waited", {}, out);
    return true;
  });
}

void ShardCore::unpark(ParkedCommands& queue, Instant now, ShardSink& out) {
  auto waiting = std::move(queue);
  queue.clear();
  for (auto& parked : waiting) {
    unhold(parked);
    dispatch(parked.command, now, out);
  }
}

void ShardCore::answer(const ReplyTo& to, const Answer& answer, ShardSink& out) {
  if (!to.wanted) return;
  if (to.lane != local_lane && to.life != credits_.life(to.lane))
    return;  // its connection broke: its asker may have sent it again, and hears of that
  if (to.lane == local_lane) {
    const auto open = asks_.close(to.sequence);
    if (!open) return;  // its deadline passed
    return finish_ask(*open,
                      {.status = answer.status,
                       .epoch = answer.epoch,
                       .sequence = answer.sequence,
                       .retry_after_ms = answer.retry_after_ms,
                       .payload = answer.payload},
                      out);
  }
  auto* staging = links_.stage(to.lane, wire::reply_header_bytes + answer.payload.size());
  if (staging == nullptr) return;  // the asker's deadline tells it
  wire::append_reply(*staging,
                     {.cluster_tag = wire::cluster_tag(config_.self.cluster),
                      .retry_after_ms = answer.retry_after_ms,
                      .session = to.session,
                      .sequence = to.sequence,
                      .epoch = answer.epoch,
                      .shard = answer.shard,
                      .status = answer.status,
                      .entity_sequence = answer.sequence},
                     answer.payload);
}

/// Of a local caller, or of another node whose command was sent on for it.
void ShardCore::finish_ask(const messaging::OpenAsk& open, Completion completion, ShardSink& out) {
  if (open.lost) completion = of_lost(completion);
  completion.token = open.token;
  if (!open.relayed) return out.complete(completion);
  const auto relayed = relays_.extract(open.token);
  answer(relayed.mapped(),
         {.status = completion.status,
          .epoch = completion.epoch,
          .shard = ShardId{open.shard},
          .sequence = completion.sequence,
          .retry_after_ms = completion.retry_after_ms,
          .payload = completion.payload},
         out);
}

void ShardCore::fail(const Command& command, Errc code, std::string_view detail,
                     Duration retry_after, ShardSink& out) {
  if (is_remote(command)) ++(code == Errc::expired ? counters_.late : counters_.rejected);
  answer(command.to,
         {.status = static_cast<std::uint8_t>(code),
          .shard = shard_of(command.hash),
          .retry_after_ms = static_cast<std::uint32_t>(retry_after / 1ms),
          .payload = view(detail)},
         out);
}

void ShardCore::flush(Instant now, ShardSink& out) {
  if (look_again_) look_again(now, out);
  tick_fences(now, out);
  start_rounds(now, out);
  outbox_.flush(links_);
  send_grants();
  messaging::LinkEffects effects;
  links_.flush(now, effects);
  for (auto& effect : effects) out.link(std::move(effect));
  use_room(now, out);
}

void ShardCore::tick(Instant now, ShardSink& out) {
  for (const auto& ask : asks_.expire(now)) {
    ++counters_.timeouts;
    finish_ask(ask,
               {.status = static_cast<std::uint8_t>(Errc::deadline_exceeded),
                .payload = view("no answer before the deadline")},
               out);
  }
  messaging::LinkEffects effects;
  links_.tick(now, effects);
  take_link_effects(std::move(effects), out);
  if (look_again_) look_again(now, out);
  tick_fences(now, out);
  tick_shards(now, out);
  report_lags(now, out);
  remember(now, out);
  trim_histories(now, out);
  if (now >= next_sweep_) {
    next_sweep_ = now + sweep_interval;
    drop_expired(unrouted_, now, out);
    for (auto& [at, queue] : waiting_) drop_expired(queue, now, out);
    std::erase_if(waiting_, [](const auto& entry) { return entry.second.empty(); });
    for (std::size_t i = 0; i < hosted_.size(); ++i)
      if (!std::as_const(hosted_)[i].parked.empty()) {
        auto& parked = hosted_[i].parked;
        drop_expired(parked, now, out);
        if (waits_in_vain(ShardId{static_cast<std::uint16_t>(i)}, now)) unpark(parked, now, out);
      }
    const auto before = entities_.active();
    entities_.passivate_idle(sweep_count, now - config_.passivate_after,
                             [&](const sharding::Entity& entity) {
                               return !entity.type->remember && may_passivate(entity);
                             });
    counters_.passivations += before - entities_.active();
  }
}

Instant ShardCore::next_deadline() const {
  auto at = earliest(asks_.next_deadline(), links_.next_deadline());
  at = earliest(at, shards_due());
  if (entities_.known() > 0 && remembers()) at = earliest(at, next_remember_);
  if (entities_.known() > 0 && config_.history_bytes > 0) at = earliest(at, next_trim_);
  // A worker that leads nothing any more has nothing else that is due, and its disk may be well.
  if (looks_at_disk_) at = earliest(at, next_lag_report_);
  for (const auto& [shard, fence] : fences_) at = earliest(at, fence.until);
  return entities_.active() > 0 || parked_commands_ > 0 ? earliest(at, next_sweep_) : at;
}

}  // namespace coterie::cluster
