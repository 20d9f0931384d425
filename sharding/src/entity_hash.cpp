#include "coterie/sharding/entity_hash.hpp"

#include <xxhash.h>

#include <optional>
#include <string>

namespace coterie::sharding {
namespace {

/// The 48 bits of time that begin a UUIDv7, if the text ends with one: 8-4-4-4-12 hexadecimal
/// digits, version 7.
std::optional<std::uint64_t> uuid7_time(std::string_view text) {
  constexpr std::size_t size = 36;
  if (text.size() < size) return std::nullopt;
  const auto uuid = text.substr(text.size() - size);
  std::uint64_t ms = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = uuid[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return std::nullopt;
      continue;
    }
    const bool digit = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    if (i < 13) ms = ms << 4 | static_cast<std::uint64_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return uuid[14] == '7' ? std::optional(ms) : std::nullopt;
}

}  // namespace

std::uint64_t entity_hash(std::string_view id) { return XXH3_64bits(id.data(), id.size()); }

EntityTypeId entity_type_id(std::string_view name) {
  return EntityTypeId{static_cast<std::uint32_t>(XXH3_64bits(name.data(), name.size()))};
}

CommandId command_id(EntityTypeId type, std::string_view entity, std::string_view text) {
  std::string all(4, '\0');
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<char>(type.value >> (8 * i) & 0xff);
  all += static_cast<char>(entity.size());  // at most 255: no two triples give one text
  all += entity;
  all += text;
  const auto hash = XXH3_128bits(all.data(), all.size());
  const auto ms = uuid7_time(text);
  return ms ? CommandId::timed(*ms, static_cast<std::uint16_t>(hash.high64), hash.low64)
            : CommandId::opaque(hash.high64, hash.low64);
}

}  // namespace coterie::sharding
