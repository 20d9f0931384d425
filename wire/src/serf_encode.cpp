#include "coterie/wire/memberlist_messages.hpp"
#include "coterie/wire/msgpack_writer.hpp"
#include "coterie/wire/serf_messages.hpp"

namespace coterie::wire {
namespace {

Bytes start(SerfType type) {
  return {static_cast<std::uint8_t>(MessageType::user), static_cast<std::uint8_t>(type)};
}

template <class T>
void field(MsgpackWriter& out, std::string_view key, const T& value) {
  out.raw(key);
  if constexpr (std::is_same_v<T, bool>) out.boolean(value);
  else if constexpr (std::is_integral_v<T>) out.unsigned_integer(static_cast<std::uint64_t>(value));
  else if constexpr (std::is_same_v<T, Bytes>) value.empty() ? out.nil() : out.raw(value);
  else out.raw(value);
}

}  // namespace

// Keys are sorted bytewise, as Go's codec does.

Bytes encode(const SerfEvent& m) {
  auto bytes = start(SerfType::event);
  MsgpackWriter out(bytes);
  out.map(4);
  field(out, "CC", m.coalesce);
  field(out, "LTime", m.time);
  field(out, "Name", m.name);
  field(out, "Payload", m.payload);
  return bytes;
}

Bytes encode(const SerfQuery& m) {
  auto bytes = start(SerfType::query);
  MsgpackWriter out(bytes);
  out.map(11);
  field(out, "Addr", m.from.ip_bytes());
  out.raw("Filters");
  if (m.filters.empty()) out.nil();
  else out.array(static_cast<std::uint32_t>(m.filters.size()));
  for (const auto& filter : m.filters) out.raw(filter);
  field(out, "Flags", m.flags);
  field(out, "ID", m.id);
  field(out, "LTime", m.time);
  field(out, "Name", m.name);
  field(out, "Payload", m.payload);
  field(out, "Port", m.from.port);
  field(out, "RelayFactor", m.relay_factor);
  field(out, "SourceNode", m.source);
  field(out, "Timeout", m.timeout_ns);
  return bytes;
}

Bytes encode(const SerfAnswer& m) {
  auto bytes = start(SerfType::answer);
  MsgpackWriter out(bytes);
  out.map(5);
  field(out, "Flags", m.flags);
  field(out, "From", m.from);
  field(out, "ID", m.id);
  field(out, "LTime", m.time);
  field(out, "Payload", m.payload);
  return bytes;
}

Bytes encode(const SerfRelay& m) {
  auto bytes = start(SerfType::relay);
  MsgpackWriter out(bytes);
  out.map(2);
  out.raw("DestAddr");
  out.map(3);
  field(out, "IP", m.to.ip_bytes());
  field(out, "Port", m.to.port);
  field(out, "Zone", std::string_view{});
  field(out, "DestName", m.name);
  append(bytes, m.inner);
  return bytes;
}

Bytes encode_key_request(ByteView key) {
  Bytes bytes{static_cast<std::uint8_t>(SerfType::key_request)};
  MsgpackWriter out(bytes);
  out.map(1);
  field(out, "Key", to_bytes(key));
  return bytes;
}

Bytes encode(const KeyAnswer& m) {
  Bytes bytes{static_cast<std::uint8_t>(SerfType::key_answer)};
  MsgpackWriter out(bytes);
  out.map(4);
  out.raw("Keys");
  out.array(static_cast<std::uint32_t>(m.keys.size()));
  for (const auto& key : m.keys) out.raw(key);
  field(out, "Message", m.message);
  field(out, "PrimaryKey", m.primary);
  field(out, "Result", m.good);
  return bytes;
}

}  // namespace coterie::wire
