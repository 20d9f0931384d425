#include "coterie/wire/frame.hpp"

#include "coterie/core/ensure.hpp"

namespace coterie::wire {
namespace {

void put_prefix(std::uint8_t* at, std::size_t length, FrameKind kind, std::uint16_t flags,
                std::uint32_t tag) {
  store_le(at, static_cast<std::uint32_t>(length));
  at[4] = frame_version;
  at[5] = static_cast<std::uint8_t>(kind);
  store_le(at + 6, flags);
  store_le(at + 8, tag);
}

}  // namespace

std::optional<FramePrefix> read_prefix(ByteView in) {
  if (in.size() < frame_prefix_bytes) return std::nullopt;
  return FramePrefix{.length = load_le<std::uint32_t>(in.data()),
                     .version = in[4],
                     .kind = static_cast<FrameKind>(in[5]),
                     .flags = load_le<std::uint16_t>(in.data() + 6),
                     .cluster_tag = load_le<std::uint32_t>(in.data() + 8)};
}

namespace {

std::size_t most_bytes(FrameKind kind) {
  return kind == FrameKind::shard_log ? max_replication_frame_bytes : max_frame_bytes;
}

}  // namespace

bool plausible(const FramePrefix& prefix) {
  return prefix.version == frame_version && prefix.length >= frame_prefix_bytes &&
         prefix.length <= most_bytes(prefix.kind);
}

void append_request(Bytes& out, const RequestHeader& h, ByteView entity, ByteView payload) {
  COTERIE_ENSURE(entity.size() <= max_entity_id_bytes && payload.size() <= max_payload_bytes);
  const auto start = out.size();
  const auto length = request_header_bytes + entity.size() + payload.size();
  out.resize(start + length);
  auto* at = out.data() + start;
  put_prefix(at, length, FrameKind::request, h.flags, h.cluster_tag);
  store_le(at + 12, h.deadline_us);
  store_le(at + 16, h.session.value);
  store_le(at + 24, h.sequence);
  store_le(at + 32, h.epoch.value);
  store_le(at + 40, h.shard.value);
  at[42] = static_cast<std::uint8_t>(entity.size());
  at[43] = h.tag;
  store_le(at + 44, h.type.value);
  store_le(at + 48, h.command.high);
  store_le(at + 56, h.command.low);
  if (!entity.empty()) std::memcpy(at + request_header_bytes, entity.data(), entity.size());
  if (!payload.empty())
    std::memcpy(at + request_header_bytes + entity.size(), payload.data(), payload.size());
}

void append_reply(Bytes& out, const ReplyHeader& h, ByteView payload) {
  COTERIE_ENSURE(payload.size() <= max_payload_bytes);
  const auto start = out.size();
  const auto length = reply_header_bytes + payload.size();
  out.resize(start + length);
  auto* at = out.data() + start;
  put_prefix(at, length, FrameKind::reply, 0, h.cluster_tag);
  store_le(at + 12, h.retry_after_ms);
  store_le(at + 16, h.session.value);
  store_le(at + 24, h.sequence);
  store_le(at + 32, h.epoch.value);
  store_le(at + 40, h.shard.value);
  at[42] = h.status;
  at[43] = 0;
  store_le(at + 44, std::uint32_t{0});
  store_le(at + 48, h.entity_sequence.value);
  if (!payload.empty()) std::memcpy(at + reply_header_bytes, payload.data(), payload.size());
}

void append_control(Bytes& out, FrameKind kind, std::uint32_t tag, ByteView body) {
  const auto start = out.size();
  const auto length = frame_prefix_bytes + body.size();
  COTERIE_ENSURE(length <= most_bytes(kind));
  out.resize(start + frame_prefix_bytes);
  put_prefix(out.data() + start, length, kind, 0, tag);
  append(out, body);
}

std::optional<RequestView> read_request(ByteView frame) {
  if (frame.size() < request_header_bytes) return std::nullopt;
  const auto* at = frame.data();
  const std::size_t entity_bytes = at[42];
  if (frame.size() < request_header_bytes + entity_bytes) return std::nullopt;
  RequestView view;
  view.header = {.flags = load_le<std::uint16_t>(at + 6),
                 .cluster_tag = load_le<std::uint32_t>(at + 8),
                 .deadline_us = load_le<std::uint32_t>(at + 12),
                 .session = SessionId{load_le<std::uint64_t>(at + 16)},
                 .sequence = load_le<std::uint64_t>(at + 24),
                 .epoch = Epoch{load_le<std::uint64_t>(at + 32)},
                 .shard = ShardId{load_le<std::uint16_t>(at + 40)},
                 .tag = at[43],
                 .type = EntityTypeId{load_le<std::uint32_t>(at + 44)},
                 .command = {load_le<std::uint64_t>(at + 48), load_le<std::uint64_t>(at + 56)}};
  view.entity = frame.subspan(request_header_bytes, entity_bytes);
  view.payload = frame.subspan(request_header_bytes + entity_bytes);
  if (view.payload.size() > max_payload_bytes) return std::nullopt;
  return view;
}

std::optional<ReplyView> read_reply(ByteView frame) {
  if (frame.size() < reply_header_bytes) return std::nullopt;
  const auto* at = frame.data();
  ReplyView view;
  view.header = {.cluster_tag = load_le<std::uint32_t>(at + 8),
                 .retry_after_ms = load_le<std::uint32_t>(at + 12),
                 .session = SessionId{load_le<std::uint64_t>(at + 16)},
                 .sequence = load_le<std::uint64_t>(at + 24),
                 .epoch = Epoch{load_le<std::uint64_t>(at + 32)},
                 .shard = ShardId{load_le<std::uint16_t>(at + 40)},
                 .status = at[42],
                 .entity_sequence = Sequence{load_le<std::uint64_t>(at + 48)}};
  view.payload = frame.subspan(reply_header_bytes);
  if (view.payload.size() > max_payload_bytes) return std::nullopt;
  return view;
}

}  // namespace coterie::wire
