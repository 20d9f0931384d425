#include "coterie/sim/shrink.hpp"

#include <numeric>

namespace coterie::sim {

std::vector<std::size_t> shrink(std::size_t count, std::size_t most_tries,
                                const std::function<bool(const std::vector<std::size_t>&)>& fails) {
  std::vector<std::size_t> left(count);
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::size_t tries = 0;
  for (auto chunk = count; chunk > 0 && !left.empty();) {
    bool smaller = false;
    for (std::size_t at = 0; at < left.size();) {
      if (tries++ >= most_tries) return left;
      auto fewer = left;
      const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(from, from + static_cast<std::ptrdiff_t>(std::min(chunk, left.size() - at)));
      if (fails(fewer)) left = std::move(fewer), smaller = true;
      else at += chunk;
    }
    // At the end single ones are tried until none can go.
    if (chunk > 1) chunk = std::min(chunk / 2, std::max<std::size_t>(left.size(), 1));
    else if (!smaller) break;
  }
  return left;
}

}  // namespace coterie::sim
