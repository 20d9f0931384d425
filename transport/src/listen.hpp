/// Opening an acceptor, the same for every TCP port of ours; private to transport.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "asio_loop.hpp"

namespace coterie::transport {

/// `flag` is what the operator would change.
[[nodiscard]] inline Status listen_on(asio::ip::tcp::acceptor& acceptor, const Address& address,
                                      const char* flag) {
  boost::system::error_code problem;
  const asio::ip::tcp::endpoint endpoint(to_asio(address), address.port);
  acceptor.open(endpoint.protocol(), problem);
  if (!problem) acceptor.set_option(asio::socket_base::reuse_address(true), problem);
  if (!problem) acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
  if (!problem) return Done{};
  boost::system::error_code ignored;
  acceptor.close(ignored);
  return bind_error(address, problem, flag);
}

/// What passes when somebody else gives something back: accepting again after a pause is right,
/// giving the part up is not.
[[nodiscard]] inline bool is_passing(const boost::system::error_code& problem) {
  const auto value = problem.value();
  return value == ECONNABORTED || value == EMFILE || value == ENFILE || value == ENOBUFS ||
         value == ENOMEM || value == EPROTO || value == EPERM;
}
inline constexpr Duration accept_pause = 100ms;

[[nodiscard]] inline Address local_address(const asio::ip::tcp::acceptor& acceptor) {
  boost::system::error_code problem;
  const auto endpoint = acceptor.local_endpoint(problem);
  return problem ? Address{} : from_asio(endpoint.address(), endpoint.port());
}

}  // namespace coterie::transport
