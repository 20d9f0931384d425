#include "coterie/supervision/backoff.hpp"

#include <algorithm>

namespace coterie::supervision {

Duration Backoff::next(Random& random) {
  const auto doublings =
      std::min<std::uint32_t>(failures_++, 20);  // 2^20 x 1 ms is past every limit
  const auto pause = std::min(config_.first * (std::int64_t{1} << doublings), config_.limit);
  return pause + random.below(pause / 4);
}

}  // namespace coterie::supervision
