#include "coterie/wire/compound.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/wire/memberlist_messages.hpp"

namespace coterie::wire {

Bytes pack(std::span<const Bytes> messages) {
  COTERIE_ENSURE(!messages.empty() && messages.size() <= max_compound_parts);
  if (messages.size() == 1) return messages.front();
  Bytes out{static_cast<std::uint8_t>(MessageType::compound),
            static_cast<std::uint8_t>(messages.size())};
  for (const auto& message : messages) {
    COTERIE_ENSURE(message.size() <= UINT16_MAX);
    append_be(out, static_cast<std::uint16_t>(message.size()));
  }
  for (const auto& message : messages) append(out, message);
  return out;
}

std::optional<CompoundParts> unpack_compound(ByteView body) {
  if (body.empty()) return std::nullopt;
  const std::size_t count = body[0];
  if (body.size() < 1 + 2 * count) return std::nullopt;
  CompoundParts result;
  auto at = 1 + 2 * count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = load_be<std::uint16_t>(body.data() + 1 + 2 * i);
    if (length > body.size() - at) {
      result.truncated = count - i;
      break;
    }
    result.parts.push_back(body.subspan(at, length));
    at += length;
  }
  return result;
}

}  // namespace coterie::wire
