/// How much goes to another node before it has taken what went before: a shard that stands still
/// answers `busy` at the sender and holds up no other one. Source: messaging/credits.hpp.
#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

namespace {

constexpr Duration credit_soon = 10ms;  // a batch or two of the owner's

std::size_t cost_of(std::string_view entity, ByteView payload) {
  return wire::request_header_bytes + entity.size() + payload.size();
}

}  // namespace

bool ShardCore::is_remote(const Command& command) {
  return command.to.lane != local_lane && !command.fence;
}

bool ShardCore::park(ParkedCommands& queue, const Command& command) {
  const auto size = command.entity.size() + command.payload.size();
  if (parked_commands_ >= max_parked_commands || parked_bytes_ + size > max_parked_bytes) {
    ++counters_.busy;
    return false;
  }
  ++parked_commands_;
  parked_bytes_ += size;
  if (is_remote(command)) {
    ++held_remote_;
    credits_.held(command.to.lane, command.to.life, sharding::shard_of(command.hash),
                  cost_of(command.entity, command.payload));
  }
  auto& parked = queue.emplace_back();
  parked.bytes.reserve(size);
  append(parked.bytes, view(command.entity));
  append(parked.bytes, command.payload);
  parked.command = command;
  const ByteView bytes = parked.bytes;
  parked.command.entity = text(bytes.first(command.entity.size()));
  parked.command.payload = bytes.subspan(command.entity.size());
  return true;
}

/// It waits no longer, whatever becomes of it.
void ShardCore::unhold(const Parked& parked) {
  --parked_commands_;
  parked_bytes_ -= parked.bytes.size();
  const auto& command = parked.command;
  if (!is_remote(command)) return;
  --held_remote_;
  credits_.freed(command.to.lane, command.to.life, sharding::shard_of(command.hash),
                 cost_of(command.entity, command.payload));
}

bool ShardCore::flow_balances() const {
  const auto& c = counters_;
  return c.received == c.delivered + c.rejected + c.late + c.relayed + held_remote_;
}

bool ShardCore::has_credit(const Command& command, messaging::LaneId lane, Instant now) const {
  return command.fence || credits_.may_send(lane, sharding::shard_of(command.hash),
                                            cost_of(command.entity, command.payload), now);
}

/// False: the command waits, or was answered. Who came first goes first.
bool ShardCore::take_credit(const Command& command, const Route& route, Instant now,
                            ShardSink& out) {
  const auto shard = sharding::shard_of(command.hash);
  const std::pair at{route.lane, messaging::credit_group(shard)};
  if (!waiting_.contains(at) && has_credit(command, route.lane, now)) return true;
  ++counters_.without_credit;
  if (command.waits && wait_in_turn(command, route.lane)) return false;
  ++counters_.busy;
  fail(command, Errc::busy, "the owner of the shard has too much under way", credit_soon, out);
  return false;
}

bool ShardCore::wait_in_turn(const Command& command, messaging::LaneId lane) {
  const std::pair at{lane, messaging::credit_group(sharding::shard_of(command.hash))};
  auto& queue = waiting_[at];
  const bool parked = park(queue, command);
  if (queue.empty()) waiting_.erase(at);
  if (parked && command.to.wanted)
    asks_.expect_from(command.to.sequence, local_lane);  // sent nowhere yet
  return parked;
}

/// Those that wait for credit also wait where the lane is full: until something was written.
bool ShardCore::wait_for_room(const Command& command, const Route& route) {
  if (!command.waits || !links_.is_up(route.lane) || !wait_in_turn(command, route.lane))
    return false;
  full_.insert(route.lane);
  return true;
}

/// After what was staged is on its way.
void ShardCore::use_room(Instant now, ShardSink& out) {
  for (const auto lane : std::exchange(roomy_, {}))
    for (std::size_t group = 0; group < messaging::credit_groups; ++group)
      if (auto queue = waiting_.extract({lane, group}); !queue.empty())
        unpark(queue.mapped(), now, out);
}

bool ShardCore::on_credit(messaging::LaneId lane, ByteView body, Instant now, ShardSink& out) {
  const auto grants = messaging::decode_grants(body);
  if (!grants) return false;
  for (const auto& grant : *grants) {
    if (!credits_.granted(lane, grant)) return false;
    const auto found = waiting_.find({lane, grant.group});
    if (found == waiting_.end() || !has_credit(found->second.front().command, lane, now)) continue;
    auto queue = waiting_.extract(found);
    unpark(queue.mapped(), now, out);
  }
  return true;
}

/// Their lane broke or their shard went elsewhere: each finds its way anew, in its order.
void ShardCore::retry_waiting(Instant now, ShardSink& out) {
  for (auto& [at, queue] : std::exchange(waiting_, {})) unpark(queue, now, out);
}

void ShardCore::send_grants() {
  credits_.grant([&](messaging::LaneId lane, const std::vector<messaging::Grant>& grants) {
    return links_.stage_control(lane, wire::FrameKind::credit, messaging::encode(grants));
  });
}

}  // namespace coterie::cluster
