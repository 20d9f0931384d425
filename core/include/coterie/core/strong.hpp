/// Strong typedefs: names are types. `Strong<Tag, Rep>` carries an identity through an interface so
/// that a shard can never be passed where an epoch is meant. No arithmetic; named free functions
/// (`next(epoch)`) instead. Thread-safety: a value type.
#pragma once

#include <compare>
#include <cstdint>

namespace coterie {

template <class Tag, class Rep>
struct Strong {
  using rep = Rep;
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

/// The successor of a counter-like id. Wraps only after 2^32 or 2^64 steps, which no process lives
/// to see.
template <class Tag, class Rep>
[[nodiscard]] constexpr Strong<Tag, Rep> next(Strong<Tag, Rep> id) {
  return Strong<Tag, Rep>{static_cast<Rep>(id.value + 1)};
}

}  // namespace coterie
