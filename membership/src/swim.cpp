#include "coterie/membership/swim.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/wire/compound.hpp"

namespace coterie::membership {

using wire::MessageType;

Swim::Swim(SwimConfig config, std::string name, Address advertised, Bytes meta, Random random,
           Instant now)
    : config_(config),
      name_(std::move(name)),
      random_(random),
      members_(random_.next()),
      broadcasts_(config.retransmit_mult),
      packet_(config_.packet, random_.split()),
      paths_(config.packet_bytes),
      serf_(name_),
      shared_(name_ + '#' + std::to_string(random_.next())),
      begun_(now),
      health_(config_.lifeguard.max_health),
      self_test_(config_.lifeguard.probation) {
  COTERIE_ENSURE(!name_.empty() && name_.size() <= wire::max_name_bytes);
  COTERIE_ENSURE(meta.size() <= wire::max_meta_bytes);
  COTERIE_ENSURE(config_.probe_timeout < config_.probe_interval);
  members_.insert(Member{.name = name_,
                         .gossip = advertised,
                         .incarnation = Incarnation{1},
                         .versions = config_.packet.versions,
                         .state = MemberState::alive,
                         .meta = std::move(meta),
                         .changed = now});
  sequence_ = static_cast<std::uint32_t>(random_.next());
  next_probe_ = now + random_.below(config_.probe_interval);
  next_gossip_ = now + random_.below(config_.gossip_interval);
  next_push_pull_ = now + config_.push_pull_interval + random_.below(config_.push_pull_interval);
  called_ = now;
  answered_at_ = now;
  next_reconnect_ = now + config_.reconnect_interval + random_.below(config_.reconnect_interval);
  broadcast_self();
}

SwimEffects Swim::update_meta(Bytes meta, Instant) {
  COTERIE_ENSURE(meta.size() <= wire::max_meta_bytes);
  SwimEffects out;
  auto& me = members_.at(name_);
  if (me.meta == meta || leaving_) return out;
  me.meta = std::move(meta);
  me.incarnation = coterie::next(me.incarnation);
  broadcast_self();
  out.emplace_back(MemberChanged{me, false});
  return out;
}

std::size_t Swim::send(const Address& to, std::vector<Bytes> messages, SwimEffects& out) {
  const auto room = packet_.budget(paths_.bytes(to, called_));
  std::size_t used = 0;
  for (const auto& m : messages) used += m.size() + wire::compound_part_overhead;
  if (used < room) {
    auto extra = broadcasts_.take(room - used, wire::compound_part_overhead, present());
    for (auto& m : extra)
      if (messages.size() < wire::max_compound_parts) messages.push_back(std::move(m));
  }
  return post(to, messages, false, out);
}

std::size_t Swim::post(const Address& to, const std::vector<Bytes>& messages, bool checksum,
                       SwimEffects& out) {
  auto bytes = packet_.close_datagram(wire::pack(messages), checksum);
  ++counters_.datagrams_out;
  counters_.bytes_out += bytes.size();
  const auto size = bytes.size();
  out.emplace_back(SendDatagram{to, std::move(bytes)});
  return size;
}

SwimEffects Swim::receive(const Address& from, ByteView datagram, Instant now) {
  SwimEffects out;
  notice_pause(now, out);
  ++counters_.datagrams_in;
  counters_.bytes_in += datagram.size();
  unfold_left_ = max_datagram_message;
  messages_left_ = max_datagram_messages;
  const auto opened = packet_.open_datagram(datagram);
  if (const auto* why = std::get_if<wire::Refusal>(&opened))
    refuse(*why, to_string(from), now, out);
  else handle_message(from, std::get<Bytes>(opened), wire::max_message_nesting, now, out);
  return out;
}

void Swim::refuse(wire::Refusal why, const std::string& from, Instant now, SwimEffects& out) {
  if (auto line = packet_.refused(why, from, now)) out.emplace_back(std::move(*line));
}

void Swim::handle_message(const Address& from, ByteView message, int nesting, Instant now,
                          SwimEffects& out) {
  if (message.empty()) return void(++counters_.malformed);
  if (messages_left_ == 0) return void(++counters_.over_limit);
  --messages_left_;
  const auto body = message.subspan(1);
  const auto decoded = [&](auto&& value, auto&& handler) {
    if (value) handler(*value);
    else ++counters_.malformed;
  };
  switch (static_cast<MessageType>(message[0])) {
    case MessageType::ping: return handle_ping(from, body, out);
    case MessageType::indirect_ping: return handle_indirect_ping(from, body, now, out);
    case MessageType::ack: return handle_ack(body, now, out);
    case MessageType::nack:
      return decoded(wire::decode_nack(body), [&](const wire::Nack& n) { handle_nack(n, now); });
    case MessageType::alive:
      return decoded(wire::decode_alive(body),
                     [&](const wire::Alive& c) { on_alive(c, now, out); });
    case MessageType::suspect:
      return decoded(wire::decode_suspect(body),
                     [&](const wire::Suspect& c) { on_suspect(c, now, out); });
    case MessageType::dead:
      return decoded(wire::decode_dead(body), [&](const wire::Dead& c) { on_dead(c, now, out); });
    case MessageType::compound: {
      const auto parts = nesting > 0 ? wire::unpack_compound(body) : std::nullopt;
      if (!parts) return void(++counters_.malformed);
      counters_.malformed += parts->truncated;
      for (const auto& part : parts->parts) handle_message(from, part, nesting - 1, now, out);
      return;
    }
    case MessageType::compress: {
      const auto plain =
          nesting > 0 ? wire::decompress(body, unfold_left_) : wire::Refusal::compression;
      const auto* inner = std::get_if<Bytes>(&plain);
      if (inner == nullptr) return refuse(wire::Refusal::compression, to_string(from), now, out);
      unfold_left_ -= inner->size();
      return handle_message(from, *inner, nesting - 1, now, out);
    }
    case MessageType::user: return on_user(body, now, out);
    default: return void(++counters_.malformed);
  }
}

void Swim::handle_ping(const Address& from, ByteView body, SwimEffects& out) {
  const auto ping = wire::decode_ping(body);
  if (!ping) return void(++counters_.malformed);
  if (!ping->node.empty() && ping->node != name_)
    return;  // meant for an earlier owner of this address
  send(ping->source ? ping->source->address : from, {wire::encode(wire::Ack{ping->sequence, {}})},
       out);
}

void Swim::handle_indirect_ping(const Address& from, ByteView body, Instant now, SwimEffects& out) {
  const auto ask = wire::decode_indirect_ping(body);
  if (!ask) return void(++counters_.malformed);
  if (relays_.size() >= max_relays) return void(++counters_.over_limit);
  auto target = ask->target;
  if (target.port == 0) target.port = self().gossip.port;
  const auto sequence = ++sequence_;
  relays_[sequence] = {.requester = ask->source ? ask->source->address : from,
                       .requester_sequence = ask->sequence,
                       .nack = ask->nack,
                       .nack_at = ask->nack ? now + config_.probe_timeout * 4 / 5 : never,
                       .expires = now + config_.probe_timeout};
  send(target, {wire::encode(wire::Ping{sequence, ask->node, source()})}, out);
}

void Swim::handle_ack(ByteView body, Instant now, SwimEffects& out) {
  const auto ack = wire::decode_ack(body);
  if (!ack) return void(++counters_.malformed);
  if (probe_ && probe_->sequence == ack->sequence) {
    probe_answered(now, !probe_->asked_helpers);
    return;
  }
  if (hear_ack(ack->sequence) || self_test_.answered(ack->sequence, now)) return;
  const auto relay = relays_.find(ack->sequence);
  if (relay == relays_.end()) return;
  const auto asked = relay->second;
  relays_.erase(relay);
  send(asked.requester, {wire::encode(wire::Ack{asked.requester_sequence, {}})}, out);
}

SwimEffects Swim::tick(Instant now) {
  SwimEffects out;
  notice_pause(now, out);
  tick_suspicions(now, out);
  tick_relays(now, out);
  tick_probe(now, out);
  tick_self_test(now, out);
  tick_streams(now, out);
  tick_join(now, out);
  tick_push_pull(now, out);
  tick_queries(now, out);
  tick_details(now, out);
  tick_reconnect(now, out);
  tick_gossip(now, out);
  tick_intent(now, out);
  tick_leave(now, out);
  tick_tombstones(now);
  return out;
}

Instant Swim::next_deadline() const {
  auto at = next_join_;
  if (present_ < members_.size()) at = earliest(at, earliest(next_tombstones_, next_reconnect_));
  at = earliest(at, next_push_pull_);
  if (!broadcasts_.empty()) at = earliest(at, next_gossip_);
  if (!probe_) at = earliest(at, next_probe_);
  else
    at = earliest(at,
                  probe_->asked_helpers || probe_->acked ? probe_->ends_at : probe_->indirect_at);
  if (!roster_.empty()) at = earliest(at, self_test_.next_deadline());
  if (hearing_) at = earliest(at, hearing_->ends_at);
  for (const auto& [name, suspected] : suspicions_) at = earliest(at, suspected.next_deadline());
  for (const auto& [sequence, relay] : relays_)
    at = earliest(at, earliest(relay.nack_at, relay.expires));
  for (const auto& [id, stream] : streams_) at = earliest(at, stream.expires);
  at = earliest(at, earliest(events_.next_deadline(), details_.next_deadline()));
  if (leaving_until_) at = earliest(at, *leaving_until_);
  if (intent_until_) at = earliest(at, *intent_until_);
  return at;
}

}  // namespace coterie::membership
