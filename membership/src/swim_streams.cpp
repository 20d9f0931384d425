#include <algorithm>

#include "coterie/membership/swim.hpp"

namespace coterie::membership {

using wire::MessageType;

namespace {

// What a stream of a stranger may cost us grows with the pool that it claims to be from.
constexpr std::size_t inbound_base_bytes = 4 * 1024 * 1024;
constexpr std::size_t inbound_member_bytes = 640;  // a node of a state exchange, full metadata
constexpr std::uint32_t inbound_base_nodes = 8192;

}  // namespace

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
  const bool inbound = stream.kind == StreamKind::inbound;
  const auto most = inbound ? std::min(max_stream_bytes,
                                       inbound_base_bytes + members_.size() * inbound_member_bytes)
                            : max_stream_bytes;
  if (stream.buffer.size() + bytes.size() > most) {
    ++counters_.over_limit;
    end_stream(id, out);
    return out;
  }
  append(stream.buffer, bytes);
  const auto opened =
      packet_.open_stream(stream.buffer, inbound, inbound ? most : wire::max_decompressed);
  if (std::holds_alternative<wire::NeedMore>(opened)) return out;
  if (const auto* why = std::get_if<wire::Refusal>(&opened)) {
    refuse(*why, inbound ? "a stream" : to_string(stream.peer), now, out);
    if (inbound)
      answer_stream(id, wire::encode(wire::ErrorReply{std::string(wire::to_string(*why))}), out);
    end_stream(id, out);
    return out;
  }
  const auto& message = std::get<wire::StreamMessage>(opened);
  if (inbound) answer_inbound(id, stream, message, now, out);
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

/// False if more of it is to come.
bool Swim::answer_ping(ConnId id, ByteView input, bool whole, SwimEffects& out) {
  const auto ping = wire::decode_ping(input.subspan(1));
  if (!ping && !whole && input.size() <= config_.packet_bytes) return false;
  if (!ping) ++counters_.malformed;
  else if (ping->node.empty() || ping->node == name_)
    answer_stream(id, wire::encode(wire::Ack{ping->sequence, {}}), out);
  return true;
}

void Swim::answer_inbound(ConnId id, Stream& stream, const wire::StreamMessage& in, Instant now,
                          SwimEffects& out) {
  const auto body = in.message.subspan(1);
  switch (static_cast<MessageType>(in.message[0])) {
    case MessageType::ping:
      if (!answer_ping(id, in.message, in.whole, out)) return;
      return end_stream(id, out);
    case MessageType::push_pull: {
      const auto most = inbound_base_nodes + 4 * static_cast<std::uint32_t>(members_.size());
      const auto outcome = stream.reader.read(body, std::min(most, wire::max_push_pull_nodes));
      if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
      if (const auto* remote = std::get_if<wire::PushPull>(&outcome)) {
        // Merged first: what the asker accuses us of is refuted in the answer.
        merge(*remote, true, now, out);
        answer_stream(id, wire::encode(answer_state(*remote, now)), out);
        return end_stream(id, out);
      }
      break;
    }
    case MessageType::user: {
      const auto outcome = wire::decode_user_stream(body, max_stream_bytes);
      if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
      if (const auto* payload = std::get_if<ByteView>(&outcome)) {
        if (const auto native = wire::native_message(*payload))
          return answer_native(id, *native, now, out);
        on_user(*payload, now, out);
        return end_stream(id, out);
      }
      break;
    }
    default: answer_stream(id, wire::encode(wire::ErrorReply{"message type not supported"}), out);
  }
  ++counters_.malformed;
  end_stream(id, out);
}

void Swim::read_answer(ConnId id, Stream& stream, const wire::StreamMessage& in, Instant now,
                       SwimEffects& out) {
  const auto type = static_cast<MessageType>(in.message[0]);
  const auto body = in.message.subspan(1);
  if (stream.kind == StreamKind::tcp_ping) {
    const auto ack = type == MessageType::ack ? wire::decode_ack(body) : std::nullopt;
    if (ack && probe_ && probe_->sequence == ack->sequence) probe_answered(now, false);
    return end_stream(id, out);
  }
  if (type == MessageType::push_pull) {
    const auto outcome = stream.reader.read(body);
    if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
    if (const auto* remote = std::get_if<wire::PushPull>(&outcome)) {
      const bool first = stream.kind == StreamKind::join && !std::exchange(joined_, true);
      end_stream(id, out);
      merge(*remote, false, now, out);
      if (first) settle(now);
      if (first && config_.packet.serf) say_joined();
      return;
    }
  } else if (type == MessageType::user &&
             (stream.kind == StreamKind::digest || stream.kind == StreamKind::details ||
              stream.kind == StreamKind::shared)) {
    const auto outcome = wire::decode_user_stream(body, wire::max_decompressed);
    if (std::holds_alternative<wire::NeedMore>(outcome) && !in.whole) return;
    const auto* payload = std::get_if<ByteView>(&outcome);
    if (const auto native = payload != nullptr ? wire::native_message(*payload) : std::nullopt) {
      if (stream.kind == StreamKind::digest)
        return read_digest_answer(id, Address(stream.peer), *native, now, out);
      if (stream.kind == StreamKind::details) read_details(stream.about, *native, out);
      else read_shared(Address(stream.peer), *native, now, out);
      return end_stream(id, out);
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

}  // namespace coterie::membership
