/// Whether a sanitizer watches: a campaign of many seeds then plays fewer. It is there for memory
/// and threads, whose faults the first seeds show, and each costs up to thirty times as much.
#pragma once

namespace coterie::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

}  // namespace coterie::testing
