/// An IP address and port as a value, without any socket header. IPv4 is 4 bytes, never 4-in-6:
/// memberlist peers compare bytes (memberlist wire protocol, section 1). Thread-safety: a value
/// type.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "coterie/core/bytes.hpp"
#include "coterie/core/result.hpp"

namespace coterie {

struct Address {
  std::array<std::uint8_t, 16> ip{};  ///< the first `ip_size` bytes count, the rest are zero
  std::uint8_t ip_size{};             ///< 4 or 16; 0 = no address
  std::uint16_t port{};

  friend constexpr auto operator<=>(const Address&, const Address&) = default;
  [[nodiscard]] ByteView ip_bytes() const { return {ip.data(), ip_size}; }
  [[nodiscard]] bool is_set() const { return ip_size != 0; }
  [[nodiscard]] bool is_unspecified() const;  ///< 0.0.0.0 or ::, which no peer can be told to use
};

/// "127.0.0.1:7946", "[::1]:7946" or "localhost:7946". Names need a resolver and are refused with a
/// remedy.
[[nodiscard]] Result<Address> parse_address(std::string_view text);
/// From 4 or 16 raw bytes; anything else gives an unset address.
[[nodiscard]] Address address_from(ByteView ip, std::uint16_t port);
[[nodiscard]] std::string to_string(const Address& address);

}  // namespace coterie
