#include "coterie/sharding/placement.hpp"

#include <algorithm>
#include <numeric>

#include "coterie/core/ensure.hpp"

namespace coterie::sharding {

std::vector<std::size_t> shares(std::size_t total, const std::vector<std::uint32_t>& weights,
                                const std::vector<std::size_t>& has, std::size_t most) {
  COTERIE_ENSURE(weights.size() == has.size());
  std::vector<std::size_t> out(weights.size());
  std::vector<std::size_t> open(weights.size());  // those that are not at `most`
  std::iota(open.begin(), open.end(), std::size_t{0});
  std::erase_if(open, [&](std::size_t i) { return weights[i] == 0; });
  // Whoever is due more than it can have is full; the others share what is left.
  for (bool again = true; again && !open.empty();) {
    again = false;
    std::uint64_t sum = 0;
    for (const auto i : open) sum += weights[i];
    for (const auto i : open)
      if (total * weights[i] >= most * sum) {
        out[i] = std::min(most, total);
        total -= out[i];
        std::erase(open, i);
        again = true;
        break;
      }
  }
  std::uint64_t sum = 0;
  for (const auto i : open) sum += weights[i];
  auto left = total;
  for (const auto i : open) left -= out[i] = total * weights[i] / sum;
  std::stable_sort(open.begin(), open.end(), [&](std::size_t a, std::size_t b) {
    const auto rest_a = total * weights[a] % sum;
    const auto rest_b = total * weights[b] % sum;
    if (rest_a != rest_b) return rest_a > rest_b;
    // What each has beyond its whole part: so the same comes out before and after it was given.
    return has[a] + out[b] > has[b] + out[a];
  });
  for (const auto i : open)
    if (left > 0) ++out[i], --left;
  return out;
}

}  // namespace coterie::sharding
