/// Name lookups that block: A, AAAA and SRV. For the discovery thread alone. Thread-safety: free
/// functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/address.hpp"

namespace coterie {

/// Empty: no such name, or no answer.
[[nodiscard]] std::vector<Address> look_up(const std::string& name, std::uint16_t port,
                                           const std::optional<Address>& dns);
[[nodiscard]] std::vector<Address> look_up_services(const std::string& name,
                                                    const std::optional<Address>& dns);

}  // namespace coterie
