#include "coterie/wire/native_messages.hpp"

#include "memberlist_fields.hpp"

namespace coterie::wire {
namespace {

constexpr std::size_t digest_bytes = digest_parts * sizeof(std::uint32_t);
constexpr std::size_t set_bytes = digest_parts / 8;

Bytes on_stream(NativeType type, ByteView body) {
  Bytes out{static_cast<std::uint8_t>(MessageType::user)};
  append_user_stream_header(out, static_cast<std::uint32_t>(2 + body.size()));
  out.push_back(native_mark);
  out.push_back(static_cast<std::uint8_t>(type));
  append(out, body);
  return out;
}

Bytes digest_body(const DigestParts& parts) {
  Bytes body;
  body.reserve(digest_bytes);
  for (const auto part : parts) append_be(body, part);
  return body;
}

Bytes set_body(const PartSet& parts) {
  Bytes body(set_bytes);
  for (std::size_t i = 0; i < digest_parts; ++i)
    if (parts[i]) body[i / 8] |= static_cast<std::uint8_t>(1u << i % 8);
  return body;
}

/// Of at least set_bytes.
PartSet read_set(ByteView body) {
  PartSet parts;
  for (std::size_t i = 0; i < digest_parts; ++i) parts[i] = (body[i / 8] >> i % 8 & 1) != 0;
  return parts;
}

}  // namespace

std::optional<NativeMessage> native_message(ByteView payload) {
  if (payload.size() < 2 || payload[0] != native_mark) return std::nullopt;
  return NativeMessage{static_cast<NativeType>(payload[1]), payload.subspan(2)};
}

Bytes encode_digest(const DigestParts& parts) {
  return on_stream(NativeType::digest, digest_body(parts));
}

Bytes encode_same() { return on_stream(NativeType::same, {}); }

Bytes encode(const Difference& difference) {
  auto body = set_body(difference.parts);
  append(body, ByteView(encode(difference.held)).subspan(1));
  return on_stream(NativeType::difference, body);
}

Bytes encode_facts(const PushPull& held) {
  return on_stream(NativeType::facts, ByteView(encode(held)).subspan(1));
}

Bytes encode_ask_details(std::string_view name) {
  return on_stream(NativeType::ask_details, view(name));
}
Bytes encode_details(ByteView details) { return on_stream(NativeType::details, details); }

Bytes encode_shared_delta(ByteView entries) {
  Bytes out{static_cast<std::uint8_t>(MessageType::user), native_mark,
            static_cast<std::uint8_t>(NativeType::shared_delta)};
  append(out, entries);
  return out;
}
Bytes encode_shared_digest(const DigestParts& parts) {
  return on_stream(NativeType::shared_digest, digest_body(parts));
}
Bytes encode_shared_difference(const PartSet& parts, ByteView entries) {
  auto body = set_body(parts);
  append(body, entries);
  return on_stream(NativeType::shared_difference, body);
}
Bytes encode_shared_values(ByteView entries) {
  return on_stream(NativeType::shared_values, entries);
}

std::optional<SharedDifference> decode_shared_difference(ByteView body) {
  if (body.size() < set_bytes) return std::nullopt;
  return SharedDifference{read_set(body), body.subspan(set_bytes)};
}

std::optional<DigestParts> decode_digest(ByteView body) {
  if (body.size() != digest_bytes) return std::nullopt;
  DigestParts parts{};
  for (std::size_t i = 0; i < digest_parts; ++i)
    parts[i] = load_be<std::uint32_t>(body.data() + i * sizeof(std::uint32_t));
  return parts;
}

std::optional<Difference> decode_difference(ByteView body) {
  if (body.size() < set_bytes) return std::nullopt;
  Difference difference{.parts = read_set(body)};
  auto held = decode_facts(body.subspan(set_bytes));
  if (!held) return std::nullopt;
  difference.held = std::move(*held);
  return difference;
}

std::optional<PushPull> decode_facts(ByteView body) {
  auto outcome = decode_push_pull(body);
  auto* held = std::get_if<PushPull>(&outcome);
  return held != nullptr ? std::optional(std::move(*held)) : std::nullopt;
}

UserStreamOutcome decode_user_stream(ByteView body, std::size_t max) {
  MsgpackReader in(body);
  std::uint64_t size = 0;
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "UserMsgLen") return size = r.unsigned_integer(max), true;
    return false;
  });
  if (!read && in.truncated()) return NeedMore{};
  if (!read) return Malformed{};
  const auto rest = in.rest();
  if (rest.size() < size) return NeedMore{};
  if (rest.size() > size) return Malformed{};
  return rest;
}

}  // namespace coterie::wire
