#include "coterie/sharding/entity_hash.hpp"

#include <xxhash.h>

namespace coterie::sharding {

std::uint64_t entity_hash(std::string_view id) { return XXH3_64bits(id.data(), id.size()); }

EntityTypeId entity_type_id(std::string_view name) {
  return EntityTypeId{static_cast<std::uint32_t>(XXH3_64bits(name.data(), name.size()))};
}

CommandId command_id(std::string_view text) {
  const auto hash = XXH3_128bits(text.data(), text.size());
  return {hash.high64, hash.low64};
}

}  // namespace coterie::sharding
