/// The Asio side of EventLoop and address conversion; private to transport.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <memory>
#include <optional>

#include "coterie/core/address.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

namespace asio = boost::asio;

struct EventLoop::Impl {
  using Guard = asio::executor_work_guard<asio::io_context::executor_type>;
  Impl()
      : own(std::make_unique<asio::io_context>(1)),
        context(*own),
        guard(asio::make_work_guard(context)) {}
  explicit Impl(asio::io_context& theirs) : context(theirs) {}

  std::unique_ptr<asio::io_context> own{};
  asio::io_context& context;
  std::optional<Guard> guard{};  ///< our own loop runs until it is stopped
};

[[nodiscard]] inline asio::ip::address to_asio(const Address& address) {
  if (address.ip_size == 4) {
    asio::ip::address_v4::bytes_type bytes{};
    std::memcpy(bytes.data(), address.ip.data(), 4);
    return asio::ip::address_v4(bytes);
  }
  asio::ip::address_v6::bytes_type bytes{};
  std::memcpy(bytes.data(), address.ip.data(), 16);
  return asio::ip::address_v6(bytes);
}

[[nodiscard]] inline Address from_asio(const asio::ip::address& ip, std::uint16_t port) {
  if (ip.is_v4()) return address_from(ip.to_v4().to_bytes(), port);
  if (ip.to_v6().is_v4_mapped())
    return address_from(asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6()).to_bytes(),
                        port);
  return address_from(ip.to_v6().to_bytes(), port);
}

[[nodiscard]] inline Error bind_error(const Address& address,
                                      const boost::system::error_code& problem, const char* flag) {
  return error(Errc::configuration,
               "cannot listen on " + to_string(address) + ": " + problem.message() +
                   "; stop the process that uses it, or choose another " + flag);
}

}  // namespace coterie::transport
