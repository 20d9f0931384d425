#include <algorithm>

#include "memberlist_fields.hpp"

namespace coterie::wire {
namespace {

/// Collects the address parts of a struct, which arrive as separate keys in any order.
struct Parts {
  ByteView ip{};
  std::uint16_t port{};
  ByteView source_ip{};
  std::uint16_t source_port{};
  std::string_view source_node{};

  bool source_field(std::string_view key, MsgpackReader& in) {
    if (key == "SourceAddr") return source_ip = in.bytes(16), true;
    if (key == "SourcePort")
      return source_port = static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX)), true;
    if (key == "SourceNode") return source_node = in.text(max_name_bytes), true;
    return false;
  }
  [[nodiscard]] std::optional<Source> source() const {
    if (source_ip.empty() || source_port == 0) return std::nullopt;
    return Source{address_from(source_ip, source_port), std::string(source_node)};
  }
};

template <class Claim>
std::optional<Claim> decode_claim(ByteView body) {
  Claim m;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Incarnation")
      return m.incarnation = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "Node") return m.node = r.text(max_name_bytes), true;
    if (key == "From") return m.from = r.text(max_name_bytes), true;
    return false;
  });
  if (!read || !valid_name(m.node)) return std::nullopt;
  return m;
}

}  // namespace

std::optional<Versions> read_versions(MsgpackReader& in) {
  Versions versions{};
  const auto head = in.peek();
  if ((head & 0xf0) == 0x90) {  // both Go library versions accept an array of small integers
    if (in.array(6) != 6) return std::nullopt;
    for (auto& v : versions) v = static_cast<std::uint8_t>(in.unsigned_integer(UINT8_MAX));
    return in.ok() ? std::optional(versions) : std::nullopt;
  }
  const auto bytes = in.bytes(6);
  if (bytes.size() != versions.size())
    return std::nullopt;  // shorter ones make memberlist 0.2.2 panic: refuse
  std::copy(bytes.begin(), bytes.end(), versions.begin());
  return versions;
}

std::optional<Ping> decode_ping(ByteView body) {
  Ping m;
  Parts parts;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "SeqNo")
      return m.sequence = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "Node") return m.node = r.text(max_name_bytes), true;
    return parts.source_field(key, r);
  });
  if (!read || !valid_ip(parts.source_ip)) return std::nullopt;
  m.source = parts.source();
  return m;
}

std::optional<IndirectPing> decode_indirect_ping(ByteView body) {
  IndirectPing m;
  Parts parts;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "SeqNo")
      return m.sequence = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "Target") return parts.ip = r.bytes(16), true;
    if (key == "Port")
      return parts.port = static_cast<std::uint16_t>(r.unsigned_integer(UINT16_MAX)), true;
    if (key == "Node") return m.node = r.text(max_name_bytes), true;
    if (key == "Nack") return m.nack = r.boolean(), true;
    return parts.source_field(key, r);
  });
  if (!read || parts.ip.empty() || !valid_ip(parts.ip) || !valid_ip(parts.source_ip))
    return std::nullopt;
  m.target = address_from(parts.ip, parts.port);
  m.source = parts.source();
  return m;
}

std::optional<Ack> decode_ack(ByteView body) {
  Ack m;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "SeqNo")
      return m.sequence = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "Payload") return m.payload = to_bytes(r.bytes(max_ack_payload)), true;
    return false;
  });
  return read ? std::optional(std::move(m)) : std::nullopt;
}

std::optional<Nack> decode_nack(ByteView body) {
  const auto ack = decode_ack(body);
  return ack ? std::optional(Nack{ack->sequence}) : std::nullopt;
}

std::optional<ErrorReply> decode_error(ByteView body) {
  ErrorReply m;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Error") return m.text = r.text(1024), true;
    return false;
  });
  return read ? std::optional(std::move(m)) : std::nullopt;
}

std::optional<Suspect> decode_suspect(ByteView body) { return decode_claim<Suspect>(body); }
std::optional<Dead> decode_dead(ByteView body) { return decode_claim<Dead>(body); }

std::optional<Alive> decode_alive(ByteView body) {
  Alive m;
  Parts parts;
  std::optional<Versions> versions;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Incarnation")
      return m.incarnation = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "Node") return m.node = r.text(max_name_bytes), true;
    if (key == "Addr") return parts.ip = r.bytes(16), true;
    if (key == "Port")
      return parts.port = static_cast<std::uint16_t>(r.unsigned_integer(UINT16_MAX)), true;
    if (key == "Meta") return m.meta = to_bytes(r.bytes(max_meta_bytes)), true;
    if (key == "Vsn") return versions = read_versions(r), true;
    return false;
  });
  if (!read || !valid_name(m.node) || parts.ip.empty() || !valid_ip(parts.ip) || !versions)
    return std::nullopt;
  m.address = address_from(parts.ip, parts.port);
  m.versions = *versions;
  return m;
}

std::optional<PushPullHeader> read_push_pull_header(MsgpackReader& in) {
  PushPullHeader m;
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Nodes")
      return m.nodes = static_cast<std::uint32_t>(r.unsigned_integer(max_push_pull_nodes)), true;
    if (key == "UserStateLen")
      return m.user_state_bytes =
                 static_cast<std::uint32_t>(r.unsigned_integer(max_user_state_bytes)),
             true;
    if (key == "Join") return m.join = r.boolean(), true;
    return false;
  });
  return read ? std::optional(m) : std::nullopt;
}

std::optional<PushPullNode> read_push_pull_node(MsgpackReader& in) {
  PushPullNode m;
  Parts parts;
  std::optional<Versions> versions;
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Name") return m.name = r.text(max_name_bytes), true;
    if (key == "Addr") return parts.ip = r.bytes(16), true;
    if (key == "Port")
      return parts.port = static_cast<std::uint16_t>(r.unsigned_integer(UINT16_MAX)), true;
    if (key == "Meta") return m.meta = to_bytes(r.bytes(max_meta_bytes)), true;
    if (key == "Incarnation")
      return m.incarnation = static_cast<std::uint32_t>(r.unsigned_integer(UINT32_MAX)), true;
    if (key == "State") return m.state = static_cast<PushPullState>(r.unsigned_integer(3)), true;
    if (key == "Vsn") return versions = read_versions(r), true;
    return false;
  });
  if (!read || !valid_name(m.name) || parts.ip.empty() || !valid_ip(parts.ip) || !versions)
    return std::nullopt;
  m.address = address_from(parts.ip, parts.port);
  m.versions = *versions;
  return m;
}

}  // namespace coterie::wire
