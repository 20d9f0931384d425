#include "coterie/messaging/handshake.hpp"

#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::messaging {
namespace {

constexpr std::uint32_t hello_fields = 11;
constexpr std::uint32_t max_fields = 64;  // newer versions append

}  // namespace

Bytes encode(const Hello& hello) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(hello_fields);
  out.unsigned_integer(hello.version_min);
  out.unsigned_integer(hello.version_max);
  out.unsigned_integer(hello.features);
  out.unsigned_integer(hello.cluster.high);
  out.unsigned_integer(hello.cluster.low);
  out.str(hello.node);
  out.unsigned_integer(hello.start.value);
  out.unsigned_integer(hello.from_worker);
  out.unsigned_integer(hello.to_worker);
  out.unsigned_integer(hello.session.value);
  out.unsigned_integer(hello.entity_types);
  return bytes;
}

std::optional<Hello> decode_hello(ByteView body) {
  wire::MsgpackReader in(body);
  if (in.array(max_fields) < hello_fields) return std::nullopt;
  Hello hello;
  hello.version_min = static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX));
  hello.version_max = static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX));
  hello.features = in.unsigned_integer();
  hello.cluster.high = in.unsigned_integer();
  hello.cluster.low = in.unsigned_integer();
  hello.node = in.text(255);
  hello.start = StartId{in.unsigned_integer()};
  hello.from_worker = static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX));
  hello.to_worker = static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX));
  hello.session = SessionId{in.unsigned_integer()};
  hello.entity_types = in.unsigned_integer();
  return in.ok() && !hello.node.empty() ? std::optional(std::move(hello)) : std::nullopt;
}

Bytes encode(const Refuse& refuse) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(2);
  out.unsigned_integer(static_cast<std::uint8_t>(refuse.code));
  out.str(refuse.detail);
  return bytes;
}

std::optional<Refuse> decode_refuse(ByteView body) {
  wire::MsgpackReader in(body);
  if (in.array(max_fields) < 2) return std::nullopt;
  Refuse refuse;
  refuse.code = static_cast<Errc>(in.unsigned_integer(UINT8_MAX));
  refuse.detail = in.text(1024);
  return in.ok() ? std::optional(std::move(refuse)) : std::nullopt;
}

}  // namespace coterie::messaging
