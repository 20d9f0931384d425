#include "coterie/sharding/planner.hpp"

#include <xxhash.h>

#include <algorithm>
#include <map>

#include "coterie/core/ensure.hpp"

namespace coterie::sharding {

std::uint64_t rendezvous_score(ShardId shard, const std::string& node) {
  return XXH3_64bits_withSeed(node.data(), node.size(), shard.value);
}

std::vector<std::string> plan_owners(const std::vector<std::string>& previous,
                                     std::vector<std::string> candidates) {
  COTERIE_ENSURE(!candidates.empty());
  std::sort(candidates.begin(), candidates.end());
  const auto shards = previous.size();
  const auto floor = shards / candidates.size();
  auto larger = shards % candidates.size();  // this many nodes hold one more

  std::map<std::string, std::vector<std::size_t>> held;
  for (const auto& name : candidates) held[name];
  for (std::size_t s = 0; s < shards; ++s)
    if (const auto owner = held.find(previous[s]); owner != held.end()) owner->second.push_back(s);

  // Those who hold the most keep the larger share: that moves the fewest.
  auto order = candidates;
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto& a, const auto& b) { return held[a].size() > held[b].size(); });
  std::map<std::string, std::size_t> room;
  auto next = previous;
  for (auto& owner : next)
    if (!held.contains(owner)) owner.clear();
  for (const auto& name : order) {
    auto quota = floor;
    if (larger > 0) ++quota, --larger;
    auto& mine = held[name];
    // A node over its quota gives away what it likes least.
    std::sort(mine.begin(), mine.end(), [&](std::size_t a, std::size_t b) {
      return rendezvous_score(ShardId{static_cast<std::uint16_t>(a)}, name) >
             rendezvous_score(ShardId{static_cast<std::uint16_t>(b)}, name);
    });
    while (mine.size() > quota) next[mine.back()].clear(), mine.pop_back();
    room[name] = quota - mine.size();
  }
  for (std::size_t s = 0; s < shards; ++s) {
    if (!next[s].empty()) continue;
    const std::string* best = nullptr;
    for (const auto& name : candidates) {
      if (room[name] == 0) continue;
      const ShardId shard{static_cast<std::uint16_t>(s)};
      if (best == nullptr || rendezvous_score(shard, name) > rendezvous_score(shard, *best))
        best = &name;
    }
    COTERIE_ENSURE(best != nullptr);
    --room[*best];
    next[s] = *best;
  }
  return next;
}

}  // namespace coterie::sharding
