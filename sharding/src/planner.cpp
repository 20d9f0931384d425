#include "coterie/sharding/planner.hpp"

#include <xxhash.h>

#include <algorithm>

#include "coterie/core/ensure.hpp"

namespace coterie::sharding {

std::uint64_t rendezvous_score(ShardId shard, const std::string& node) {
  return XXH3_64bits_withSeed(node.data(), node.size(), shard.value);
}

std::vector<std::size_t> first_owners(std::size_t count, const std::vector<PlaceableNode>& nodes) {
  std::vector<std::uint32_t> weights;
  for (const auto& node : nodes) weights.push_back(node.takes() ? node.weight : 0);
  auto room = shares(count, weights, std::vector<std::size_t>(nodes.size()), count);
  std::vector<std::size_t> owners;
  for (std::size_t s = 0; s < count; ++s) {
    const ShardId shard{static_cast<std::uint16_t>(s)};
    std::size_t best = nodes.size();
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (room[i] > 0 && (best == nodes.size() || rendezvous_score(shard, nodes[i].name) >
                                                      rendezvous_score(shard, nodes[best].name)))
        best = i;
    COTERIE_ENSURE(best < nodes.size());
    --room[best];
    owners.push_back(best);
  }
  return owners;
}

}  // namespace coterie::sharding
