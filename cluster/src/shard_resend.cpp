/// What becomes of commands whose shard nobody leads for a moment: those that were on their way to
/// an owner that fell, and those that come meanwhile, wait in their order for the next one, and go
/// there under their command ids, so that what had its effect has it once. Source: placement
/// contract, invariant 13.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

using sharding::shard_of;

Completion ShardCore::unknown_outcome(std::string_view why) {
  return {.status = static_cast<std::uint8_t>(Errc::unavailable),
          .retry_after_ms = 10,
          .payload = view(why)};
}

/// What a later owner says of a command that an earlier one may have decided.
Completion ShardCore::of_lost(const Completion& completion) {
  switch (static_cast<Errc>(completion.status)) {
    case Errc::busy:
    case Errc::unavailable:
    case Errc::storage:
    case Errc::expired:
    case Errc::unknown_entity_type:  // of an older build
      return unknown_outcome(
          "it was on its way to an owner that fell, and nobody took it since; outcome unknown, "
          "retry with the same command id");
    default: return completion;
  }
}

/// Else it could have its effect behind a later one of its asker on the same entity, which has it
/// already while this one was refused and nobody heard of that; or behind its own second copy,
/// where a planned move came after it was sent, and who gave the shard away may still send it on.
bool ShardCore::may_be_decided_again(const messaging::OpenAsk& ask) const {
  const auto& entry = current_->table.registers[ask.shard];
  const auto had_it = links_.peer_of(ask.sent_to);
  const bool fell = entry.primary == had_it ||
                    (entry.before == had_it && entry.rule != replication::Rule::handed_over);
  return (ask.went_nowhere || fell) && newest_sent_[ask.hash % newest_sent_.size()] <= ask.order;
}

/// They were sent to who leads their shards no longer, or cannot be heard: those that were kept
/// wait for the next owner, in the order in which they were asked, the others have an unknown
/// outcome. `went_nowhere`: whoever had them says so.
void ShardCore::lose(const std::vector<std::uint64_t>& asks, bool went_nowhere, ShardSink& out) {
  for (const auto correlation : asks) {
    auto* const ask = asks_.find(correlation);
    if (ask == nullptr) continue;
    const auto kept = ask->relayed || ask->sends >= max_sends
                          ? std::nullopt
                          : wire::read_request(asks_.kept(correlation));
    const auto again = kept ? asks_.rename(correlation) : correlation;
    if (kept && hold_back({.to = {.lane = local_lane,
                                  .session = config_.self.session,
                                  .sequence = again,
                                  .wanted = true},
                           .type = kept->header.type,
                           .tag = kept->header.tag,
                           .id = kept->header.command,
                           .deadline = ask->deadline,
                           .hash = sharding::entity_hash(text(kept->entity)),
                           .entity = text(kept->entity),
                           .payload = kept->payload,
                           .order = ask->order})) {
      ask->lost = true;
      ask->went_nowhere = went_nowhere;
      ask->sent_to = std::exchange(ask->lane, local_lane);
      look_again_ = true;
      continue;
    }
    ++counters_.unavailable;
    finish_ask(*asks_.close(again),
               unknown_outcome("the owner of the shard fell or leads no longer; outcome unknown, "
                               "retry with the same command id"),
               out);
  }
}

/// When all that wait go at once there is no credit for so many: they wait for that as well,
/// whatever they chose.
bool ShardCore::hold_back(const Command& command) {
  const auto [at, fresh] = fences_.try_emplace(shard_of(command.hash));
  auto& fence = at->second;
  if (fresh) fence.number = next_fence_++;
  const auto last = fence.held.empty() ? 0 : fence.held.back().command.order;
  if (!park(fence.held, command)) {
    if (fresh) fences_.erase(at);
    return false;
  }
  fence.held.back().command.waits = true;
  fence.in_order = fence.in_order && last <= command.order;
  return true;
}

/// A fail-over takes a second at most; where none comes, whoever asks is told at once.
bool ShardCore::hold_for_owner(const Command& command, Instant now) {
  if (command.to.lane != local_lane || command.relayed || command.fence) return false;
  const auto since = noted_away(route_[shard_of(command.hash).value], now);
  return now - since < reroute_wait && hold_back(command);
}

/// Since when; until rebuild_routes() finds one.
Instant ShardCore::noted_away(Route& route, Instant now) {
  if (route.away_since == never) route.away_since = now;
  return route.away_since;
}

/// To somebody who may decide it.
void ShardCore::note_sent(const Command& command) {
  route_[shard_of(command.hash).value].used = true;
  if (command.to.lane != local_lane || command.relayed) return;
  auto& newest = newest_sent_[command.hash % newest_sent_.size()];
  newest = std::max(newest, command.order);
}

bool ShardCore::leads_somewhere(const Route& route) const {
  return route.kind == RouteKind::local ||
         (route.kind == RouteKind::remote &&
          (links_.is_up(route.lane) || links_.awaits_first_connection(route.lane)));
}

/// A lane or a route is another one: what waits for credit there, or for an owner, finds its way
/// anew.
void ShardCore::look_again(Instant now, ShardSink& out) {
  look_again_ = false;
  retry_waiting(now, out);
  std::vector<std::pair<ShardId, std::uint64_t>> led;
  for (const auto& [shard, fence] : fences_)
    if (fence.through == messaging::no_lane && leads_somewhere(route_[shard.value]))
      led.emplace_back(shard, fence.number);
  for (const auto& [shard, number] : led) lower_fence(shard, number, now, out);
}

}  // namespace coterie::cluster
