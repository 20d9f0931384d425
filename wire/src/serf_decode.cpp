#include <limits>

#include "coterie/wire/serf_messages.hpp"
#include "memberlist_fields.hpp"

namespace coterie::wire {
namespace {

constexpr std::uint32_t max_state_events = 1024;  // Serf keeps 512 Lamport times
constexpr std::size_t max_key_message = 1024;

Bytes payload(MsgpackReader& in) { return to_bytes(in.bytes(max_serf_payload)); }
std::string name(MsgpackReader& in) { return std::string(in.text(max_serf_payload)); }
template <class T>
T number(MsgpackReader& in) {
  return static_cast<T>(in.unsigned_integer(std::numeric_limits<T>::max()));
}

/// The body behind a Serf type byte of `payload`, or nothing.
std::optional<ByteView> body_of(ByteView payload, SerfType type) {
  if (payload.empty() || payload[0] != static_cast<std::uint8_t>(type)) return std::nullopt;
  return payload.subspan(1);
}

void read_filters(MsgpackReader& in, std::vector<Bytes>& filters) {
  if (in.peek() == 0xc0) return in.skip();
  const auto size = in.array(max_serf_filters);
  for (std::uint32_t i = 0; i < size && in.ok(); ++i) filters.push_back(payload(in));
}

/// Go writes an IPv4 address also as 16 bytes, 4-in-6.
Address go_address(ByteView ip, std::uint16_t port) {
  constexpr std::uint8_t four_in_six[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (ip.size() == 16 && equal(ip.first(12), four_in_six)) ip = ip.subspan(12);
  return address_from(ip, port);
}

}  // namespace

std::optional<SerfEvent> decode_serf_event(ByteView body) {
  SerfEvent m;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "LTime") return m.time = r.unsigned_integer(), true;
    if (key == "Name") return m.name = name(r), true;
    if (key == "Payload") return m.payload = payload(r), true;
    if (key == "CC") return m.coalesce = r.boolean(), true;
    return false;
  });
  return read && !m.name.empty() ? std::optional(std::move(m)) : std::nullopt;
}

std::optional<SerfQuery> decode_serf_query(ByteView body) {
  SerfQuery m;
  ByteView ip;
  std::uint16_t port = 0;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "LTime") return m.time = r.unsigned_integer(), true;
    if (key == "ID") return m.id = number<std::uint32_t>(r), true;
    if (key == "Addr") return ip = r.bytes(16), true;
    if (key == "Port") return port = number<std::uint16_t>(r), true;
    if (key == "SourceNode") return m.source = r.text(max_name_bytes), true;
    if (key == "Filters") return read_filters(r, m.filters), true;
    if (key == "Flags") return m.flags = number<std::uint32_t>(r), true;
    if (key == "RelayFactor") return m.relay_factor = number<std::uint8_t>(r), true;
    if (key == "Timeout") return m.timeout_ns = r.signed_integer(), true;
    if (key == "Name") return m.name = name(r), true;
    if (key == "Payload") return m.payload = payload(r), true;
    return false;
  });
  m.from = go_address(ip, port);
  if (!read || !m.from.is_set() || m.from.port == 0) return std::nullopt;
  return m;
}

std::optional<SerfAnswer> decode_serf_answer(ByteView body) {
  SerfAnswer m;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "LTime") return m.time = r.unsigned_integer(), true;
    if (key == "ID") return m.id = number<std::uint32_t>(r), true;
    if (key == "From") return m.from = r.text(max_name_bytes), true;
    if (key == "Flags") return m.flags = number<std::uint32_t>(r), true;
    if (key == "Payload") return m.payload = payload(r), true;
    return false;
  });
  return read && valid_name(m.from) ? std::optional(std::move(m)) : std::nullopt;
}

std::optional<SerfRelay> decode_serf_relay(ByteView body) {
  SerfRelay m;
  ByteView ip;
  std::uint16_t port = 0;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "DestName") return m.name = r.text(max_name_bytes), true;
    if (key != "DestAddr") return false;
    return read_fields(r, [&](std::string_view part, MsgpackReader& a) {
      if (part == "IP") return ip = a.bytes(16), true;
      if (part == "Port") return port = number<std::uint16_t>(a), true;
      return false;
    });
  });
  m.to = go_address(ip, port);
  if (!read || !m.to.is_set() || m.to.port == 0) return std::nullopt;
  m.inner = to_bytes(in.rest());
  if (m.inner.empty() || m.inner.size() > max_serf_payload) return std::nullopt;
  return m;
}

std::optional<Bytes> decode_key_request(ByteView payload_bytes) {
  const auto body = body_of(payload_bytes, SerfType::key_request);
  if (!body) return std::nullopt;
  Bytes key;
  MsgpackReader in(*body);
  const bool read = read_fields(in, [&](std::string_view name_of, MsgpackReader& r) {
    return name_of == "Key" ? (key = to_bytes(r.bytes(32)), true) : false;
  });
  return read ? std::optional(std::move(key)) : std::nullopt;
}

std::optional<KeyAnswer> decode_key_answer(ByteView payload_bytes) {
  const auto body = body_of(payload_bytes, SerfType::key_answer);
  if (!body) return std::nullopt;
  KeyAnswer m;
  MsgpackReader in(*body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Result") return m.good = r.boolean(), true;
    if (key == "Message") return m.message = r.text(max_key_message), true;
    if (key == "PrimaryKey") return m.primary = r.text(max_key_message), true;
    if (key != "Keys") return false;
    if (r.peek() == 0xc0) return r.skip(), true;
    const auto size = r.array(max_serf_keys);
    for (std::uint32_t i = 0; i < size && r.ok(); ++i) m.keys.emplace_back(r.text(max_key_message));
    return true;
  });
  return read ? std::optional(std::move(m)) : std::nullopt;
}

namespace {

/// One Lamport time and what was broadcast at it; nil where its place is empty.
void read_moment(MsgpackReader& in, std::vector<SerfEvent>& events) {
  if (in.peek() == 0xc0) return in.skip();
  std::uint64_t time = 0;
  const auto first = events.size();
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "LTime") return time = r.unsigned_integer(), true;
    if (key != "Events") return false;
    if (r.peek() == 0xc0) return r.skip(), true;
    const auto size = r.array(max_state_events);
    for (std::uint32_t i = 0; i < size && r.ok(); ++i) {
      auto& event = events.emplace_back();
      const bool good = read_fields(r, [&](std::string_view part, MsgpackReader& e) {
        if (part == "Name") return event.name = name(e), true;
        if (part == "Payload") return event.payload = payload(e), true;
        return false;
      });
      if (!good) return true;  // the reader remembers
    }
    return true;
  });
  if (!read) return;
  for (auto i = first; i < events.size(); ++i) events[i].time = time;
}

}  // namespace

std::optional<SerfState> decode_serf_state(ByteView user_state) {
  const auto body = body_of(user_state, SerfType::push_pull);
  if (!body) return std::nullopt;
  SerfState m;
  MsgpackReader in(*body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "LTime") return m.time = r.unsigned_integer(), true;
    if (key == "EventLTime") return m.event_time = r.unsigned_integer(), true;
    if (key == "QueryLTime") return m.query_time = r.unsigned_integer(), true;
    if (key != "Events") return false;
    if (r.peek() == 0xc0) return r.skip(), true;
    const auto size = r.array(max_state_events);
    for (std::uint32_t i = 0; i < size && r.ok() && m.events.size() <= max_state_events; ++i)
      read_moment(r, m.events);
    return true;
  });
  return read && m.events.size() <= max_state_events ? std::optional(std::move(m)) : std::nullopt;
}

}  // namespace coterie::wire
