#include "coterie/gossip/digest.hpp"

#include <xxhash.h>

namespace coterie::gossip {

// The part is the hash's top byte; the fact's own hash mixes the version in. docs/WIRE.md.
void Digest::add(std::string_view name, std::uint64_t version) {
  const auto hash = XXH3_64bits_withSeed(name.data(), name.size(), 0);
  std::uint8_t fact[16];
  store_le(fact, hash);
  store_le(fact + 8, version);
  parts_[hash >> 56] ^= static_cast<std::uint32_t>(XXH3_64bits(fact, sizeof fact));
}

std::size_t Digest::part_of(std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(), 0) >> 56;
}

wire::PartSet Digest::operator-(const Digest& other) const {
  wire::PartSet differ;
  for (std::size_t i = 0; i < parts_.size(); ++i) differ[i] = parts_[i] != other.parts_[i];
  return differ;
}

}  // namespace coterie::gossip
