#include <algorithm>
#include <cmath>
#include <set>

#include "coterie/membership/swim.hpp"
#include "coterie/membership/versions.hpp"

namespace coterie::membership {

using wire::MessageType;

namespace {

/// Whom the state is sent to, as far as its address tells.
auto at_address(const Address& address) {
  return [address](const Member& member) { return member.gossip == address; };
}

/// Whom the other side holds alive.
auto names_alive(const wire::PushPull& remote) {
  std::set<std::string> names;
  for (const auto& node : remote.nodes)
    if (node.state == wire::PushPullState::alive) names.insert(node.name);
  return [names = std::move(names)](const Member& member) { return names.contains(member.name); };
}

}  // namespace

template <class Also>
wire::PushPull Swim::local_state(bool join, Instant now, Also also) const {
  wire::PushPull state{.join = join};
  for (const auto& m : members_) {
    // Old tombstones stay at home: they are listed to operators, not gossiped for a day.
    if (!m.is_present() && m.name != name_ && now - m.changed > config_.gossip_to_the_dead &&
        !also(m))
      continue;
    state.nodes.push_back({m.name, m.gossip, m.meta, m.incarnation.value,
                           static_cast<wire::PushPullState>(m.state), m.versions});
  }
  return state;
}

SwimEffects Swim::join(std::vector<Address> seeds, Instant now) {
  seeds_ = std::move(seeds);
  joined_ = false;
  join_pause_ = config_.join_retry_min;
  next_join_ = seeds_.empty() ? never : now;
  SwimEffects out;
  tick_join(now, out);
  return out;
}

SwimEffects Swim::set_seeds(std::vector<Address> seeds, Instant now) {
  if (!joined_) return join(std::move(seeds), now);
  seeds_ = std::move(seeds);
  return {};
}

void Swim::tick_join(Instant now, SwimEffects& out) {
  if (now < next_join_ || leaving_) return;
  if (joined_ || seeds_.empty()) {
    next_join_ = never;
    return;
  }
  for (const auto& seed : seeds_)
    if (seed != self().gossip)
      open_stream(StreamKind::join, seed, wire::encode(local_state(true, now, at_address(seed))),
                  now, out);
  next_join_ = now + join_pause_ + random_.below(join_pause_ / 4);
  join_pause_ = std::min(join_pause_ * 2, config_.join_retry_max);
}

void Swim::tick_push_pull(Instant now, SwimEffects& out) {
  if (now < next_push_pull_) return;
  const auto n = static_cast<double>(std::max<std::size_t>(1, present()));
  const auto scale = n <= 32 ? 1 : static_cast<std::int64_t>(std::ceil(std::log2(n) - 5)) + 1;
  next_push_pull_ = now + config_.push_pull_interval * scale;
  if (settling_ > 0) next_push_pull_ = now + settle_pause * (1 << (settle_exchanges - settling_--));
  if (leaving_) return;
  for (const auto* peer : random_members(1, false, name_, now))
    open_stream(StreamKind::push_pull, peer->gossip,
                wire::encode(local_state(false, now, at_address(peer->gossip))), now, out);
}

/// After a split both sides hold each other dead and would never speak again. As in Serf, a random
/// dead member is tried now and then, the more likely the more are dead; what we believe of it goes
/// along, so that it can refute.
void Swim::tick_reconnect(Instant now, SwimEffects& out) {
  if (now < next_reconnect_) return;
  next_reconnect_ = now + config_.reconnect_interval;
  if (leaving_) return;
  std::vector<const Member*> dead;
  if (present_ < members_.size())
    for (const auto slot : roster_)
      if (members_[slot].state == MemberState::dead) dead.push_back(&members_[slot]);
  const auto share = static_cast<double>(dead.size()) / static_cast<double>(present_);
  if (dead.empty() || !random_.chance(std::min(1.0, std::max(share, 0.1)))) return;
  const auto& target = *dead[random_.below(std::uint64_t{dead.size()})];
  open_stream(StreamKind::push_pull, target.gossip,
              wire::encode(local_state(false, now, at_address(target.gossip))), now, out);
}

ConnId Swim::open_stream(StreamKind kind, const Address& to, Bytes bytes, Instant now,
                         SwimEffects& out) {
  if (streams_.size() >= max_streams) {
    ++counters_.over_limit;
    return {};
  }
  const ConnId id{next_stream_++ | dialled_bit};
  streams_[id] = Stream{.kind = kind, .expires = now + config_.stream_timeout, .peer = to};
  out.emplace_back(OpenStream{id, to, packet_.close_stream(std::move(bytes), true)});
  return id;
}

void Swim::end_stream(ConnId id, SwimEffects& out) {
  if (streams_.erase(id) > 0) out.emplace_back(CloseStream{id});
}

SwimEffects Swim::stream_accepted(ConnId id, Instant now) {
  SwimEffects out;
  if (streams_.size() >= max_streams) {
    ++counters_.over_limit;
    out.emplace_back(CloseStream{id});
    return out;
  }
  streams_[id] = Stream{.kind = StreamKind::inbound, .expires = now + config_.stream_timeout};
  return out;
}

SwimEffects Swim::stream_received(ConnId id, ByteView bytes, Instant now) {
  SwimEffects out;
  const auto found = streams_.find(id);
  if (found == streams_.end()) return out;
  auto& stream = found->second;
  if (stream.buffer.size() + bytes.size() > max_stream_bytes) {
    ++counters_.over_limit;
    end_stream(id, out);
    return out;
  }
  append(stream.buffer, bytes);
  const bool inbound = stream.kind == StreamKind::inbound;
  const auto opened = packet_.open_stream(stream.buffer, inbound);
  if (std::holds_alternative<wire::NeedMore>(opened)) return out;
  if (const auto* why = std::get_if<wire::Refusal>(&opened)) {
    refuse(*why, inbound ? "a stream" : to_string(stream.peer), now, out);
    if (inbound)
      answer_stream(id, wire::encode(wire::ErrorReply{std::string(wire::to_string(*why))}), out);
    end_stream(id, out);
    return out;
  }
  const auto& message = std::get<wire::StreamMessage>(opened);
  if (inbound) answer_inbound(id, message, now, out);
  else read_answer(id, stream, message, now, out);
  return out;
}

void Swim::answer_stream(ConnId id, Bytes message, SwimEffects& out) {
  out.emplace_back(WriteStream{id, packet_.close_stream(std::move(message), false)});
}

SwimEffects Swim::stream_closed(ConnId id, Instant) {
  streams_.erase(id);
  return {};
}

void Swim::tick_streams(Instant now, SwimEffects& out) {
  std::vector<ConnId> expired;
  for (const auto& [id, stream] : streams_)
    if (stream.expires <= now) expired.push_back(id);
  for (const auto id : expired) end_stream(id, out);
}

void Swim::answer_inbound(ConnId id, const wire::StreamMessage& in, Instant now, SwimEffects& out) {
  const ByteView input = in.message;
  const auto body = input.subspan(1);
  switch (static_cast<MessageType>(input[0])) {
    case MessageType::ping: {
      const auto ping = wire::decode_ping(body);
      if (!ping) {
        if (in.whole || input.size() > config_.packet_bytes)
          ++counters_.malformed, end_stream(id, out);
        return;  // not all there yet
      }
      if (ping->node.empty() || ping->node == name_)
        answer_stream(id, wire::encode(wire::Ack{ping->sequence, {}}), out);
      return end_stream(id, out);
    }
    case MessageType::push_pull: {
      const auto outcome = wire::decode_push_pull(body);
      if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
      if (const auto* remote = std::get_if<wire::PushPull>(&outcome)) {
        // Merged first: what the asker accuses us of is refuted in the answer, and it hears of its
        // own death however long ago that was.
        const auto join = remote->join;
        const auto claimed = names_alive(*remote);
        merge(*remote, now, out);
        answer_stream(id, wire::encode(local_state(join, now, claimed)), out);
        return end_stream(id, out);
      }
      break;
    }
    default: answer_stream(id, wire::encode(wire::ErrorReply{"message type not supported"}), out);
  }
  ++counters_.malformed;
  end_stream(id, out);
}

void Swim::read_answer(ConnId id, const Stream& stream, const wire::StreamMessage& in, Instant now,
                       SwimEffects& out) {
  const ByteView input = in.message;
  const auto type = static_cast<MessageType>(input[0]);
  const auto body = input.subspan(1);
  if (stream.kind == StreamKind::tcp_ping) {
    const auto ack = type == MessageType::ack ? wire::decode_ack(body) : std::nullopt;
    if (ack && probe_ && probe_->sequence == ack->sequence) probe_answered(now, false);
    return end_stream(id, out);
  }
  if (type == MessageType::push_pull) {
    const auto outcome = wire::decode_push_pull(body);
    if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
    if (const auto* remote = std::get_if<wire::PushPull>(&outcome)) {
      const bool first = stream.kind == StreamKind::join && !std::exchange(joined_, true);
      end_stream(id, out);
      merge(*remote, now, out);
      if (first) {
        settling_ = settle_exchanges - 1;
        next_push_pull_ = now + settle_pause / 2 + random_.below(settle_pause);
      }
      if (first && config_.packet.serf)
        broadcasts_.push(std::string(256, 'j'), serf_.join_intent(name_));
      return;
    }
  } else if (const auto problem =
                 type == MessageType::error ? wire::decode_error(body) : std::nullopt) {
    out.emplace_back(LogEvent{LogLevel::warning,
                              to_string(stream.peer) + " refused our state: " + problem->text});
    return end_stream(id, out);
  }
  ++counters_.malformed;
  end_stream(id, out);
}

void Swim::know(const wire::PushPull& state, Instant now) {
  SwimEffects ignored;
  merge(state, now, ignored);
  broadcasts_ = gossip::BroadcastQueue(config_.retransmit_mult);
}

void Swim::merge(const wire::PushPull& remote, Instant now, SwimEffects& out) {
  if (const auto name = misfit(remote, members_); !name.empty())
    return refuse(wire::Refusal::versions, "a state exchange that names '" + name + "'", now, out);
  if (config_.packet.serf) {
    serf_.witness_state(remote.user_state);
    witness_events(remote.user_state, now, out);
  }
  for (const auto& node : remote.nodes) {
    switch (node.state) {
      case wire::PushPullState::alive:
        on_alive({node.incarnation, node.name, node.address, node.meta, node.versions}, now, out);
        break;
      case wire::PushPullState::left:
        on_dead({node.incarnation, node.name, node.name}, now, out);
        break;
      // A remote death is never believed outright: it becomes our own suspicion (section 11.2).
      case wire::PushPullState::dead:
      case wire::PushPullState::suspect:
        on_suspect({node.incarnation, node.name, name_}, now, out);
        break;
    }
  }
}

}  // namespace coterie::membership
