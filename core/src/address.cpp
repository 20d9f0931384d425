#include "coterie/core/address.hpp"

#include <arpa/inet.h>  // inet_pton and inet_ntop: pure text conversions, no socket

#include <algorithm>
#include <charconv>

namespace coterie {
namespace {

Error bad_address(std::string_view text) {
  return error(
      Errc::configuration,
      "bad address '" + std::string(text) +
          "': write HOST:PORT with an IP address, for example 127.0.0.1:7946 or [::1]:7946");
}

}  // namespace

bool Address::is_unspecified() const {
  return std::all_of(ip.begin(), ip.end(), [](std::uint8_t b) { return b == 0; });
}

Result<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text);
  std::string host(text.substr(0, colon));
  const auto port_text = text.substr(colon + 1);
  Address address;
  const auto [end, problem] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), address.port);
  if (problem != std::errc{} || end != port_text.data() + port_text.size())
    return bad_address(text);
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    if (inet_pton(AF_INET6, host.c_str(), address.ip.data()) != 1) return bad_address(text);
    address.ip_size = 16;
  } else {
    if (inet_pton(AF_INET, host.c_str(), address.ip.data()) != 1) return bad_address(text);
    address.ip_size = 4;
  }
  return address;
}

Address address_from(ByteView ip, std::uint16_t port) {
  Address address;
  if (ip.size() != 4 && ip.size() != 16) return address;
  std::copy(ip.begin(), ip.end(), address.ip.begin());
  address.ip_size = static_cast<std::uint8_t>(ip.size());
  address.port = port;
  return address;
}

std::string to_string(const Address& address) {
  if (!address.is_set()) return "-";
  char text[INET6_ADDRSTRLEN] = {};
  const bool v6 = address.ip_size == 16;
  inet_ntop(v6 ? AF_INET6 : AF_INET, address.ip.data(), text, sizeof text);
  const auto port = ":" + std::to_string(address.port);
  return v6 ? "[" + std::string(text) + "]" + port : text + port;
}

}  // namespace coterie
