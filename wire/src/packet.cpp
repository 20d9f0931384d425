#include "coterie/wire/packet.hpp"

#include <array>

#include "coterie/core/ensure.hpp"
#include "coterie/wire/lzw.hpp"
#include "coterie/wire/msgpack_writer.hpp"
#include "memberlist_fields.hpp"

namespace coterie::wire {
namespace {

// The map around the compressed bytes costs 20; nothing below this was ever seen to become smaller.
constexpr std::size_t worth_compressing = 128;
constexpr std::size_t crc_overhead = 5;
constexpr std::size_t sealed_stream_head = 5;

constexpr auto type_of(MessageType type) { return static_cast<std::uint8_t>(type); }
bool begins_with(ByteView bytes, MessageType type) {
  return !bytes.empty() && bytes[0] == type_of(type);
}

Bytes with_label(const std::string& label, Bytes inner) {
  if (label.empty()) return inner;
  COTERIE_ENSURE(label.size() <= max_label_bytes);
  Bytes out{type_of(MessageType::label), static_cast<std::uint8_t>(label.size())};
  append(out, view(label));
  append(out, inner);
  return out;
}

/// Takes the label off the front. A header of length zero is an error of its own.
std::variant<ByteView, NeedMore, Refusal> without_label(const std::string& label, ByteView bytes) {
  if (!begins_with(bytes, MessageType::label)) {
    if (label.empty()) return bytes;
    return Refusal::label;
  }
  if (bytes.size() < 2) return NeedMore{};
  const std::size_t size = bytes[1];
  if (size == 0 || size != label.size()) return Refusal::label;
  if (bytes.size() < 2 + size) return NeedMore{};
  if (text(bytes.subspan(2, size)) != label) return Refusal::label;
  return bytes.subspan(2 + size);
}

/// Four bytes at a time: table[k] is what a byte does when k more follow it.
using CrcTable = std::array<std::array<std::uint32_t, 256>, 4>;
constexpr CrcTable crc_table = [] {
  CrcTable table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xedb88320u ^ c >> 1 : c >> 1;
    table[0][i] = c;
  }
  for (std::size_t k = 1; k < table.size(); ++k)
    for (std::uint32_t i = 0; i < 256; ++i)
      table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
  return table;
}();

}  // namespace

std::uint32_t crc32(ByteView bytes) {
  std::uint32_t crc = ~0u;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    crc ^= load_le<std::uint32_t>(bytes.data() + i);
    crc = crc_table[3][crc & 0xff] ^ crc_table[2][crc >> 8 & 0xff] ^
          crc_table[1][crc >> 16 & 0xff] ^ crc_table[0][crc >> 24];
  }
  for (; i < bytes.size(); ++i) crc = crc_table[0][(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
  return ~crc;
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::label: return "another label";
    case Refusal::plaintext: return "plain text, but this pool is encrypted";
    case Refusal::key: return "no key of ours opens it";
    case Refusal::checksum: return "its checksum is wrong";
    case Refusal::compression: return "it does not decompress";
    case Refusal::oversize: return "it is too large";
    case Refusal::versions: return "its protocol versions do not fit this pool";
  }
  return "unknown";
}

std::size_t packet_overhead(const PacketRules& rules, const Keyring& keys) {
  const bool sealed = !keys.empty() && rules.verify_outgoing;
  return crc_overhead + (sealed ? seal_overhead : 0) +
         (rules.label.empty() ? 0 : 2 + rules.label.size());
}

Bytes compress(ByteView message) {
  Bytes out{type_of(MessageType::compress)};
  MsgpackWriter writer(out);
  writer.map(2);
  writer.raw("Algo");
  writer.unsigned_integer(0);
  writer.raw("Buf");
  writer.raw(lzw_compress(message));
  return out;
}

std::variant<Bytes, NeedMore, Refusal> decompress(ByteView body, std::size_t max) {
  std::uint64_t algorithm = 0;
  ByteView packed;
  MsgpackReader in(body);
  const bool read = read_fields(in, [&](std::string_view key, MsgpackReader& r) {
    if (key == "Algo") return algorithm = r.unsigned_integer(UINT8_MAX), true;
    if (key == "Buf") return packed = r.bytes(max_sealed_stream), true;
    return false;
  });
  if (!read && in.truncated()) return NeedMore{};
  if (!read || algorithm != 0) return Refusal::compression;
  auto plain = lzw_decompress(packed, max);
  if (!plain || plain->empty()) return Refusal::compression;
  return std::move(*plain);
}

Bytes close_datagram(const PacketRules& rules, const Keyring& keys, const Nonce& nonce,
                     Bytes message, bool checksum) {
  if (rules.compress && message.size() >= worth_compressing) {
    auto smaller = compress(message);
    if (smaller.size() < message.size()) message = std::move(smaller);
  }
  if (checksum) {
    Bytes out{type_of(MessageType::has_crc)};
    append_be(out, crc32(message));
    append(out, message);
    message = std::move(out);
  }
  if (!keys.empty() && rules.verify_outgoing)
    message = seal(keys, nonce, message, view(rules.label));
  return with_label(rules.label, std::move(message));
}

std::variant<Bytes, Refusal> open_datagram(const PacketRules& rules, const Keyring& keys,
                                           ByteView datagram) {
  const auto labelled = without_label(rules.label, datagram);
  const auto* inner = std::get_if<ByteView>(&labelled);
  if (inner == nullptr) return Refusal::label;
  Bytes message;
  if (keys.empty()) {
    message = to_bytes(*inner);
  } else if (auto plain = unseal(keys, *inner, view(rules.label))) {
    message = std::move(*plain);
  } else if (rules.verify_incoming) {
    return Refusal::key;
  } else {
    message = to_bytes(*inner);
  }
  if (!begins_with(message, MessageType::has_crc)) return message;
  if (message.size() < crc_overhead ||
      load_be<std::uint32_t>(message.data() + 1) != crc32(ByteView(message).subspan(crc_overhead)))
    return Refusal::checksum;
  message.erase(message.begin(), message.begin() + crc_overhead);
  return message;
}

Bytes close_stream(const PacketRules& rules, const Keyring& keys, const Nonce& nonce, Bytes message,
                   bool label) {
  // Our own exchanges are hashes for the most part, which do not become smaller.
  if (rules.compress && !begins_with(message, MessageType::user)) message = compress(message);
  if (!keys.empty() && rules.verify_outgoing) {
    Bytes out{type_of(MessageType::encrypt)};
    append_be(out, static_cast<std::uint32_t>(message.size() + seal_overhead));
    auto extra = out;
    append(extra, view(rules.label));
    append(out, seal(keys, nonce, message, extra));
    message = std::move(out);
  }
  return label ? with_label(rules.label, std::move(message)) : message;
}

std::variant<StreamMessage, NeedMore, Refusal> open_stream(const PacketRules& rules,
                                                           const Keyring& keys, ByteView bytes,
                                                           bool label, std::size_t max) {
  if (bytes.empty()) return NeedMore{};
  const auto labelled =
      label ? without_label(rules.label, bytes) : std::variant<ByteView, NeedMore, Refusal>(bytes);
  if (std::holds_alternative<NeedMore>(labelled)) return NeedMore{};
  if (const auto* refused = std::get_if<Refusal>(&labelled)) return *refused;
  auto inner = std::get<ByteView>(labelled);
  StreamMessage out;
  if (inner.empty()) return NeedMore{};
  if (begins_with(inner, MessageType::encrypt)) {
    if (keys.empty()) return Refusal::key;
    if (inner.size() < sealed_stream_head) return NeedMore{};
    const std::size_t size = load_be<std::uint32_t>(inner.data() + 1);
    if (size > max_sealed_stream) return Refusal::oversize;
    if (inner.size() < sealed_stream_head + size) return NeedMore{};
    auto extra = to_bytes(inner.first(sealed_stream_head));
    append(extra, view(rules.label));
    auto plain = unseal(keys, inner.subspan(sealed_stream_head, size), extra);
    if (!plain || plain->empty()) return Refusal::key;
    out.unfolded = std::move(*plain);
    out.message = out.unfolded;
    out.whole = true;
  } else {
    if (!keys.empty() && rules.verify_incoming) return Refusal::plaintext;
    out.message = inner;
  }
  if (!begins_with(out.message, MessageType::compress)) return out;
  auto plain = decompress(out.message.subspan(1), max);
  if (std::holds_alternative<NeedMore>(plain)) {
    if (out.whole) return Refusal::compression;
    return NeedMore{};
  }
  if (const auto* refused = std::get_if<Refusal>(&plain)) return *refused;
  out.unfolded = std::get<Bytes>(std::move(plain));
  out.message = out.unfolded;
  out.whole = true;
  return out;
}

}  // namespace coterie::wire
