/// Blocking HTTP for command-line tools. Errors: `unavailable`, nothing was sent;
/// `deadline_exceeded`, it was sent and no whole answer came, so what it asked for may still
/// happen; `refused`, another answer than 200; `malformed`, a line without an end. Thread-safety:
/// free functions.
#pragma once

#include <functional>
#include <string>

#include "coterie/core/address.hpp"

namespace coterie::transport {

struct HttpAnswer {
  unsigned status{};
  std::string body{};
};

inline constexpr std::size_t max_http_answer =
    64 * 1024 * 1024;  ///< a table of 65,536 members is 12 MB

[[nodiscard]] Result<HttpAnswer> http_get(const Address& address, const std::string& target,
                                          Duration timeout);

/// Longest line of a streamed answer.
inline constexpr std::size_t max_http_line = 256 * 1024;

/// A node that hangs is to be noticed soon, also where an answer that has begun may be quiet for
/// hours.
struct HttpPatience {
  Duration answer = 5s;   ///< to connect, then to send, then until the answer begins
  Duration silence = 5s;  ///< from one piece of the answer to the next
};

/// Sends `body` (POST; GET if it is empty) with own_header and gives each line of the answer to
/// `line` as it comes, until it answers false or the answer ends; the last needs no newline. An
/// answer other than 200 is an error with its body.
[[nodiscard]] Status http_lines(const Address& address, const std::string& target,
                                const std::string& body, HttpPatience patience,
                                const std::function<bool(std::string_view)>& line);

}  // namespace coterie::transport
