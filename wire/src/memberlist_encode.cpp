#include "coterie/wire/memberlist_messages.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::wire {
namespace {

Bytes start(MessageType type) { return Bytes{static_cast<std::uint8_t>(type)}; }

/// Go writes a nil slice for "none", an empty raw for "empty": we have one kind of nothing, so nil.
void bytes_or_nil(MsgpackWriter& out, ByteView bytes) {
  bytes.empty() ? out.nil() : out.raw(bytes);
}

/// The three Source keys sort after every other key of ping; in indirect ping `Target` follows
/// them.
void source_fields(MsgpackWriter& out, const Source& source) {
  out.raw("SourceAddr");
  out.raw(source.address.ip_bytes());
  out.raw("SourceNode");
  out.raw(source.node);
  out.raw("SourcePort");
  out.unsigned_integer(source.address.port);
}

Bytes encode_claim(MessageType type, std::uint32_t incarnation, std::string_view node,
                   std::string_view from) {
  auto bytes = start(type);
  MsgpackWriter out(bytes);
  out.map(3);
  out.raw("From");
  out.raw(from);
  out.raw("Incarnation");
  out.unsigned_integer(incarnation);
  out.raw("Node");
  out.raw(node);
  return bytes;
}

}  // namespace

Bytes encode(const Ping& m) {
  auto bytes = start(MessageType::ping);
  MsgpackWriter out(bytes);
  out.map(m.source ? 5 : 2);
  out.raw("Node");
  out.raw(m.node);
  out.raw("SeqNo");
  out.unsigned_integer(m.sequence);
  if (m.source) source_fields(out, *m.source);
  return bytes;
}

Bytes encode(const IndirectPing& m) {
  auto bytes = start(MessageType::indirect_ping);
  MsgpackWriter out(bytes);
  out.map(m.source ? 8 : 5);
  out.raw("Nack");
  out.boolean(m.nack);
  out.raw("Node");
  out.raw(m.node);
  out.raw("Port");
  out.unsigned_integer(m.target.port);
  out.raw("SeqNo");
  out.unsigned_integer(m.sequence);
  if (m.source) source_fields(out, *m.source);
  out.raw("Target");
  out.raw(m.target.ip_bytes());
  return bytes;
}

Bytes encode(const Ack& m) {
  auto bytes = start(MessageType::ack);
  MsgpackWriter out(bytes);
  out.map(2);
  out.raw("Payload");
  bytes_or_nil(out, m.payload);
  out.raw("SeqNo");
  out.unsigned_integer(m.sequence);
  return bytes;
}

Bytes encode(const Nack& m) {
  auto bytes = start(MessageType::nack);
  MsgpackWriter out(bytes);
  out.map(1);
  out.raw("SeqNo");
  out.unsigned_integer(m.sequence);
  return bytes;
}

Bytes encode(const ErrorReply& m) {
  auto bytes = start(MessageType::error);
  MsgpackWriter out(bytes);
  out.map(1);
  out.raw("Error");
  out.raw(m.text);
  return bytes;
}

Bytes encode(const Suspect& m) {
  return encode_claim(MessageType::suspect, m.incarnation, m.node, m.from);
}
Bytes encode(const Dead& m) {
  return encode_claim(MessageType::dead, m.incarnation, m.node, m.from);
}

Bytes encode(const Alive& m) {
  auto bytes = start(MessageType::alive);
  MsgpackWriter out(bytes);
  out.map(6);
  out.raw("Addr");
  out.raw(m.address.ip_bytes());
  out.raw("Incarnation");
  out.unsigned_integer(m.incarnation);
  out.raw("Meta");
  bytes_or_nil(out, m.meta);
  out.raw("Node");
  out.raw(m.node);
  out.raw("Port");
  out.unsigned_integer(m.address.port);
  out.raw("Vsn");
  out.raw(ByteView(m.versions));
  return bytes;
}

void append_push_pull_header(Bytes& bytes, const PushPullHeader& m) {
  MsgpackWriter out(bytes);
  out.map(3);
  out.raw("Join");
  out.boolean(m.join);
  out.raw("Nodes");
  out.unsigned_integer(m.nodes);
  out.raw("UserStateLen");
  out.unsigned_integer(m.user_state_bytes);
}

void append_push_pull_node(Bytes& bytes, const PushPullNode& m) {
  MsgpackWriter out(bytes);
  out.map(7);
  out.raw("Addr");
  out.raw(m.address.ip_bytes());
  out.raw("Incarnation");
  out.unsigned_integer(m.incarnation);
  out.raw("Meta");
  bytes_or_nil(out, m.meta);
  out.raw("Name");
  out.raw(m.name);
  out.raw("Port");
  out.unsigned_integer(m.address.port);
  out.raw("State");
  out.unsigned_integer(static_cast<std::uint8_t>(m.state));
  out.raw("Vsn");
  out.raw(ByteView(m.versions));
}

void append_user_stream_header(Bytes& bytes, std::uint32_t size) {
  MsgpackWriter out(bytes);
  out.map(1);
  out.raw("UserMsgLen");
  out.unsigned_integer(size);
}

}  // namespace coterie::wire
