/// What the tests of this room stand on: when they begin, and where their members are.
#pragma once

#include <doctest/doctest.h>

#include "coterie/core/address.hpp"
#include "coterie/core/time.hpp"

namespace coterie::membership {

inline constexpr Instant start{1'000'000'000'000};
inline Address at(std::uint16_t port) { return address_from(Bytes{127, 0, 0, 1}, port); }

}  // namespace coterie::membership
