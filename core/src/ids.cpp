#include "coterie/core/ids.hpp"

#include <charconv>
#include <cstdio>

namespace coterie {

std::string to_string(const ClusterId& id) {
  std::array<char, 33> out{};
  std::snprintf(out.data(), out.size(), "%016llx%016llx", static_cast<unsigned long long>(id.high),
                static_cast<unsigned long long>(id.low));
  return out.data();
}

std::optional<ClusterId> parse_cluster_id(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  ClusterId id;
  const auto* first = text.data();
  const auto high = std::from_chars(first, first + 16, id.high, 16);
  const auto low = std::from_chars(first + 16, first + 32, id.low, 16);
  if (high.ec != std::errc{} || high.ptr != first + 16 || low.ec != std::errc{} ||
      low.ptr != first + 32)
    return {};
  return id;
}

}  // namespace coterie
