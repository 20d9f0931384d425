#include "coterie/transport/udp_socket.hpp"

#include <netinet/in.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>

#include "asio_loop.hpp"

namespace coterie::transport {

using asio::ip::udp;

struct UdpSocket::Impl : std::enable_shared_from_this<UdpSocket::Impl> {
  Impl(EventLoop& loop, Receive r, std::function<void(std::string)> f)
      : socket(loop.impl().context), receive(std::move(r)), failed(std::move(f)) {}

  void read() {
    socket.async_receive_from(
        asio::buffer(buffer), from,
        [self = shared_from_this()](const boost::system::error_code& problem, std::size_t size) {
          self->on_read(problem, size);
        });
  }
  void on_read(const boost::system::error_code& problem, std::size_t size) {
    if (!socket.is_open()) return;
    // An ICMP answer to something we sent surfaces here; it says nothing about this socket.
    const bool passing = problem == asio::error::connection_refused ||
                         problem == asio::error::connection_reset ||
                         problem == asio::error::message_size;
    if (problem && !passing) return failed(problem.message());
    if (!problem) receive(from_asio(from.address(), from.port()), ByteView(buffer.data(), size));
    if (socket.is_open()) read();
  }

  udp::socket socket;
  udp::endpoint from{};
  std::array<std::uint8_t, max_datagram_bytes> buffer{};
  Receive receive;
  std::function<void(std::string)> failed;
};

UdpSocket::UdpSocket(EventLoop& loop, Receive receive, std::function<void(std::string)> failed)
    : impl_(std::make_shared<Impl>(loop, std::move(receive), std::move(failed))) {}
UdpSocket::~UdpSocket() { close(); }

Status UdpSocket::bind(const Address& address) {
  boost::system::error_code problem;
  const udp::endpoint endpoint(to_asio(address), address.port);
  impl_->socket.open(endpoint.protocol(), problem);
  if (!problem) impl_->socket.bind(endpoint, problem);
  if (problem) {
    impl_->socket.close();
    return bind_error(address, problem, "--gossip");
  }
  for (int size = 2 * 1024 * 1024; size >= 64 * 1024;
       size /= 2) {  // as memberlist: as much as the kernel gives
    impl_->socket.set_option(asio::socket_base::receive_buffer_size(size), problem);
    if (!problem) break;
  }
  impl_->socket.non_blocking(true, problem);
  // A fragment that is lost loses the whole: the kernel says what is too large instead.
  const int discover = IP_PMTUDISC_DO;
  const bool v4 = address.ip_size == 4;
  (void)setsockopt(impl_->socket.native_handle(), v4 ? IPPROTO_IP : IPPROTO_IPV6,
                   v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &discover, sizeof discover);
  impl_->read();
  return Done{};
}

Address UdpSocket::local() const {
  boost::system::error_code problem;
  const auto endpoint = impl_->socket.local_endpoint(problem);
  return problem ? Address{} : from_asio(endpoint.address(), endpoint.port());
}

bool UdpSocket::send(const Address& to, ByteView datagram) {
  if (!impl_->socket.is_open()) return true;
  boost::system::error_code problem;
  impl_->socket.send_to(asio::buffer(datagram.data(), datagram.size()),
                        udp::endpoint(to_asio(to), to.port), 0, problem);
  return problem != asio::error::message_size;
}

void UdpSocket::close() {
  boost::system::error_code ignored;
  impl_->socket.close(ignored);
}

}  // namespace coterie::transport
