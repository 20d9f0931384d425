/// Delta debugging: the least of a list that still fails. Source: Zeller and Hildebrandt,
/// Simplifying and Isolating Failure-Inducing Input (2002), ddmin without its complements' subsets.
/// Thread-safety: a pure function, as pure as `fails`.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace coterie::sim {

/// Of the numbers 0 to count - 1, all of which together fail. Tries `most_tries` times at most;
/// what is answered was seen to fail.
[[nodiscard]] std::vector<std::size_t> shrink(
    std::size_t count, std::size_t most_tries,
    const std::function<bool(const std::vector<std::size_t>&)>& fails);

}  // namespace coterie::sim
