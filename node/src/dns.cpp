#include "dns.hpp"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#include <array>
#include <cstring>
#include <functional>

namespace coterie {
namespace {

constexpr std::size_t max_answer_bytes = 8192;
constexpr int seconds_a_try = 2;
constexpr int tries = 2;

/// Gives every record of `type` to `use`.
void query(const std::string& name, ns_type type, const std::optional<Address>& dns,
           const std::function<void(ns_msg&, ns_rr&)>& use) {
  struct __res_state state {};
  if (res_ninit(&state) != 0) return;
  state.retrans = seconds_a_try;
  state.retry = tries;
  if (dns) {
    state.nscount = 1;
    auto& server = state.nsaddr_list[0];
    server = {};
    server.sin_family = AF_INET;
    server.sin_port = htons(dns->port);
    std::memcpy(&server.sin_addr, dns->ip.data(), 4);
  }
  std::array<unsigned char, max_answer_bytes> answer{};
  const int size = res_nquery(&state, name.c_str(), ns_c_in, type, answer.data(),
                              static_cast<int>(answer.size()));
  res_nclose(&state);
  ns_msg message{};
  if (size <= 0 || ns_initparse(answer.data(), size, &message) != 0) return;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (ns_parserr(&message, ns_s_an, i, &record) == 0 && ns_rr_type(record) == type)
      use(message, record);
  }
}

std::vector<Address> ask_server(const std::string& name, std::uint16_t port,
                                const std::optional<Address>& dns) {
  std::vector<Address> out;
  for (const auto type : {ns_t_a, ns_t_aaaa})
    query(name, type, dns, [&](ns_msg&, ns_rr& record) {
      const auto address = address_from({ns_rr_rdata(record), ns_rr_rdlen(record)}, port);
      if (address.is_set()) out.push_back(address);
    });
  return out;
}

/// As every program on this host: its hosts file included.
std::vector<Address> ask_host(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  std::vector<Address> out;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return out;
  for (const auto* at = found; at != nullptr; at = at->ai_next) {
    ByteView ip;
    if (at->ai_family == AF_INET)
      ip = {reinterpret_cast<const std::uint8_t*>(
                &reinterpret_cast<const sockaddr_in*>(at->ai_addr)->sin_addr),
            4};
    if (at->ai_family == AF_INET6)
      ip = {reinterpret_cast<const std::uint8_t*>(
                &reinterpret_cast<const sockaddr_in6*>(at->ai_addr)->sin6_addr),
            16};
    if (!ip.empty()) out.push_back(address_from(ip, port));
  }
  freeaddrinfo(found);
  return out;
}

}  // namespace

std::vector<Address> look_up(const std::string& name, std::uint16_t port,
                             const std::optional<Address>& dns) {
  return dns ? ask_server(name, port, dns) : ask_host(name, port);
}

std::vector<Address> look_up_services(const std::string& name, const std::optional<Address>& dns) {
  std::vector<std::pair<std::string, std::uint16_t>> targets;
  query(name, ns_t_srv, dns, [&](ns_msg& message, ns_rr& record) {
    constexpr std::size_t fixed = 6;  // priority, weight, port
    if (ns_rr_rdlen(record) <= fixed) return;
    std::array<char, NS_MAXDNAME> target{};
    if (ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), ns_rr_rdata(record) + fixed,
                           target.data(), target.size()) > 0)
      targets.emplace_back(target.data(), load_be<std::uint16_t>(ns_rr_rdata(record) + 4));
  });
  std::vector<Address> out;
  for (const auto& [target, port] : targets)
    for (const auto& address : look_up(target, port, dns)) out.push_back(address);
  return out;
}

}  // namespace coterie
