/// A blocking HTTP GET for command-line tools. Thread-safety: a free function.
#pragma once

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

}  // namespace coterie::transport
