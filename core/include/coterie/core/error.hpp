/// Errors as values. `Errc` is also the status byte of a reply frame (docs/WIRE.md), so its numbers
/// are a promise. Thread-safety: value types.
#pragma once

#include <optional>
#include <string>
#include <system_error>

#include "coterie/core/time.hpp"

namespace coterie {

/// What went wrong, by what the caller does about it.
enum class Errc : std::uint8_t {
  unavailable = 1,  ///< nobody serves the shard now; retry after the hint with the same command id
  busy = 2,         ///< a bound is reached; retry after the hint
  deadline_exceeded = 3,    ///< outcome unknown; retry with the same command id
  refused = 4,              ///< the entity's own decision; nothing was recorded
  unknown_entity_type = 5,  ///< the owner did not register this type
  message_too_large = 6,    ///< never retried: make it smaller
  expired = 7,           ///< the deadline had passed before the command was decided: not executed
  fault = 8,             ///< the entity's handler threw or returned a fault; the entity restarts
  moved = 9,             ///< stale route; carries the newer epoch; consumed by the router
  malformed = 10,        ///< the bytes could not be decoded: never retried
  storage = 11,          ///< the disk refused; nothing was acknowledged
  configuration = 12,    ///< start-up: change the configuration as the detail says
  wrong_cluster = 13,    ///< the peer belongs to another cluster
  wrong_thread = 14,     ///< a blocking call on a worker thread
  command_expired = 15,  ///< the command id is older than what the shard remembers: not executed;
                         ///< ask the entity whether it had its effect
};

[[nodiscard]] const std::error_category& coterie_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc e) noexcept {
  return {static_cast<int>(e), coterie_category()};
}

/// An error with its cause in words and, where a retry helps, when.
struct Error {
  std::error_code code{};
  std::string detail{};
  std::optional<Duration> retry_after{};

  friend bool operator==(const Error&, const Error&) = default;
  [[nodiscard]] bool is(Errc e) const { return code == make_error_code(e); }
};

[[nodiscard]] inline Error error(Errc code, std::string detail,
                                 std::optional<Duration> retry_after = {}) {
  return Error{make_error_code(code), std::move(detail), retry_after};
}

/// "detail (category: message)", for logs and terminals.
[[nodiscard]] std::string to_string(const Error& error);

}  // namespace coterie

template <>
struct std::is_error_code_enum<coterie::Errc> : std::true_type {};
