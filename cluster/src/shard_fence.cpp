/// The order of a sender's commands over a planned move: what it sent to the last primary must
/// arrive before what it sends to the next one. A sender that learns of the move holds its commands
/// and sends a fence behind its earlier ones, which comes back from the new primary once these are
/// there; the lanes keep the order. Source: the flush of a first-in first-out channel, Chandy and
/// Lamport, Distributed Snapshots (1985); docs/adr/0008-fence.md.
#include <algorithm>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {

namespace {

struct FenceFrame {
  ShardId shard{};
  std::uint64_t number{};
  bool relayed = false;
  Epoch epoch{};  ///< that its sender knows of
  std::string_view origin{};
};

Bytes encode(const FenceFrame& fence) {
  Bytes body;
  append_le(body, fence.shard.value);
  append_le(body, fence.number);
  append_le(body, static_cast<std::uint8_t>(fence.relayed));
  append_le(body, fence.epoch.value);
  append(body, view(fence.origin));
  return body;
}

constexpr std::size_t fence_bytes = 2 + 8 + 1 + 8;

std::optional<FenceFrame> decode(ByteView body) {
  if (body.size() < fence_bytes) return std::nullopt;
  const FenceFrame fence{.shard = ShardId{load_le<std::uint16_t>(body.data())},
                         .number = load_le<std::uint64_t>(body.data() + 2),
                         .relayed = body[10] != 0,
                         .epoch = Epoch{load_le<std::uint64_t>(body.data() + 11)},
                         .origin = text(body.subspan(fence_bytes))};
  if (fence.shard.value >= sharding::shard_count || fence.origin.empty()) return std::nullopt;
  return fence;
}

}  // namespace

/// Only a planned move needs one: after a crash the link broke, and what was on its way is sent
/// again.
void ShardCore::raise_fence(ShardId shard, const Route& old) {
  const auto& entry = current_->table.at(shard);
  if (mutated("hand-off: a sender does not wait for what it sent before")) return;
  if (!old.used || old.kind != RouteKind::remote || !links_.is_up(old.lane)) return;
  if (entry.rule != replication::Rule::handed_over || entry.before != links_.peer_of(old.lane))
    return;
  auto& fence = fences_[shard];  // an earlier one that has not passed: its commands go on waiting
  fence.number = next_fence_++;
  fence.through = old.lane;
  fence.until = never;  // the end of this batch says from when on it waits
  const auto body = encode(
      {.shard = shard, .number = fence.number, .epoch = entry.epoch, .origin = config_.self.node});
  if (!links_.stage_control(old.lane, wire::FrameKind::fence, body)) fence.until = Instant{};
}

/// True: the command waits, or was answered.
bool ShardCore::fenced(const Command& command, ShardSink& out) {
  if (fences_.empty() || command.to.lane != local_lane || command.relayed) return false;
  const auto found = fences_.find(sharding::shard_of(command.hash));
  if (found == fences_.end()) return false;
  if (!hold_back(command))
    fail(command, Errc::busy, "too many commands wait for a shard that moves", 100ms, out);
  return true;
}

bool ShardCore::on_fence(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out) {
  const auto fence = decode(body);
  if (!fence || (!fence->relayed && fence->origin != links_.peer_of(lane))) return false;
  dispatch({.to = {.lane = lane, .session = {}, .sequence = fence->number, .wanted = false},
            .deadline = now + fence_wait,
            .epoch = fence->epoch,
            .hash = std::uint64_t{fence->shard.value} << 56,
            .entity = fence->origin,
            .relayed = fence->relayed,
            .fence = true},
           now, out);
  return true;
}

/// On to the next primary, or, there, back to who raised it.
void ShardCore::pass_fence(const Command& command, Instant now, ShardSink& out) {
  const auto shard = sharding::shard_of(command.hash);
  const auto& route = route_[shard.value];
  const bool arrived = route.kind == RouteKind::local;
  if (!arrived && command.relayed) {
    // One hop only. Its sender may know more than we do, and soon so will we.
    if (command.epoch > route.epoch) (void)park(hosted_[shard.value].parked, command);
    return;
  }
  if (arrived && command.entity == config_.self.node)
    return lower_fence(shard, command.to.sequence, now, out);
  const auto* const origin = arrived ? peer(command.entity) : nullptr;
  if (arrived && origin == nullptr) return;
  // Behind what was sent on and waits for credit.
  if (const auto queue = waiting_.find({route.lane, messaging::credit_group(shard)});
      !arrived && queue != waiting_.end())
    return void(park(queue->second, command));
  if (!arrived) tell_placement(route.lane, shard);  // it may not know yet that it leads
  const auto lane =
      arrived ? links_.lane_to(origin->name, worker_of(shard, origin->data_workers)) : route.lane;
  const auto body = encode({.shard = shard,
                            .number = command.to.sequence,
                            .relayed = true,
                            .epoch = route.epoch,
                            .origin = command.entity});
  links_.stage_control(lane, arrived ? wire::FrameKind::fence_passed : wire::FrameKind::fence,
                       body);
}

bool ShardCore::on_fence_passed(ByteView body, Instant now, ShardSink& out) {
  const auto fence = decode(body);
  if (!fence || fence->origin != config_.self.node) return false;
  lower_fence(fence->shard, fence->number, now, out);
  return true;
}

void ShardCore::lower_fence(ShardId shard, std::uint64_t number, Instant now, ShardSink& out) {
  if (look_again_) look_again(now, out);  // what waits for credit was asked later
  const auto found = fences_.find(shard);
  if (found == fences_.end() || found->second.number != number) return;
  auto held = std::move(found->second.held);
  const bool in_order =
      found->second.in_order || mutated("resend: what was lost goes behind what was asked later");
  fences_.erase(found);
  for (auto& parked : held)  // by what the register says now
    if (const auto* const ask = asks_.find(parked.command.to.sequence);
        parked.command.to.wanted && ask != nullptr && ask->lost)
      parked.command.known_only = !may_be_decided_again(*ask);
  if (!in_order)
    std::stable_sort(held.begin(), held.end(), [](const Parked& a, const Parked& b) {
      return a.command.order < b.command.order;
    });
  unpark(held, now, out);
}

/// Nothing comes through a lane that broke.
void ShardCore::drop_fences(messaging::LaneId through) {
  for (auto& [shard, fence] : fences_)
    if (fence.through == through) fence.until = Instant{};
}

void ShardCore::tick_fences(Instant now, ShardSink& out) {
  if (fences_.empty()) return;
  std::vector<std::pair<ShardId, std::uint64_t>> late;
  for (auto& [shard, fence] : fences_) {
    auto& route = route_[shard.value];
    if (fence.until == never) fence.until = now + fence_wait;
    if (fence.through == messaging::no_lane && !leads_somewhere(route))
      fence.until = noted_away(route, now) + reroute_wait;
    if (fence.until <= now) late.emplace_back(shard, fence.number);
  }
  for (const auto& [shard, number] : late) {
    const auto found = fences_.find(shard);
    if (found == fences_.end() || found->second.number != number) continue;
    const auto through = found->second.through;
    if (through != messaging::no_lane) {
      ++counters_.fences_lost;
      lose(asks_.where([&, at = shard](const messaging::OpenAsk& open) {
        return open.shard == at.value && open.lane == through;
      }),
           false, out);
    }
    lower_fence(shard, number, now, out);
  }
}

}  // namespace coterie::cluster
