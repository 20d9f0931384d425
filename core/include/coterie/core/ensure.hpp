/// COTERIE_ENSURE: an assertion on ourselves, alive in every build. Peers, disks and users get a
/// Result instead.
#pragma once

namespace coterie {

/// Prints the broken promise with its place to stderr and aborts.
[[noreturn]] void ensure_failed(const char* expression, const char* file, int line) noexcept;

/// Asking an error for its value ends the process with the error's own words and status 1: what a
/// short program wants.
[[noreturn]] void no_value(const char* error) noexcept;

}  // namespace coterie

#define COTERIE_ENSURE(expression)         \
  (static_cast<bool>(expression) ? void(0) \
                                 : ::coterie::ensure_failed(#expression, __FILE__, __LINE__))
