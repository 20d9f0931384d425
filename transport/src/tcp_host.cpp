#include "coterie/transport/tcp_host.hpp"

#include <unistd.h>

#include "listen.hpp"
#include "tcp_impl.hpp"

namespace coterie::transport {

Released::~Released() {
  if (socket_ >= 0) ::close(socket_);
}

TcpHost::TcpHost(EventLoop& loop, messaging::StreamHandler& handler,
                 std::atomic<std::uint64_t>& ids, TcpLimits limits,
                 std::function<void(std::string)> failed)
    : impl_(std::make_shared<Impl>(loop, handler, ids, limits, std::move(failed))) {}
TcpHost::~TcpHost() { stop(); }

Status TcpHost::listen(const Address& address) {
  auto listening = listen_on(impl_->acceptor, address, "port");
  if (listening) impl_->accept();
  return listening;
}

Address TcpHost::local() const { return local_address(impl_->acceptor); }

void TcpHost::Impl::accept() {
  acceptor.async_accept(
      [self = shared_from_this()](const boost::system::error_code& problem, tcp::socket socket) {
        self->on_accept(problem, std::move(socket));
      });
}

void TcpHost::Impl::accept_later() {
  pause.set(EventLoop::now() + accept_pause, [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && self->handler != nullptr) self->accept();
  });
}

void TcpHost::Impl::on_accept(const boost::system::error_code& problem, tcp::socket socket) {
  if (handler == nullptr || !acceptor.is_open()) return;
  if (problem && is_passing(problem)) return accept_later();
  if (problem) return failed("accept: " + problem.message());
  if (connections.size() < limits.connections) {
    const ConnId id{ids.fetch_add(1)};
    const auto connection = add(id, std::move(socket));
    handler->accepted(id);
    if (connections.contains(id)) connection->begin();
  }
  accept();
}

std::shared_ptr<TcpConnection> TcpHost::Impl::add(ConnId id, tcp::socket socket) {
  auto connection =
      std::make_shared<TcpConnection>(weak_from_this(), id, std::move(socket), limits.read_buffer);
  connections[id] = connection;
  return connection;
}

void TcpHost::dial(ConnId id, const Address& to) {
  impl_->add(id, tcp::socket(impl_->context))->dial(tcp::endpoint(to_asio(to), to.port));
}

void TcpHost::write(ConnId id, Bytes bytes) {
  if (const auto found = impl_->connections.find(id); found != impl_->connections.end())
    found->second->write(std::move(bytes));
}

void TcpHost::close(ConnId id) {
  const auto found = impl_->connections.find(id);
  if (found == impl_->connections.end()) return;
  const auto connection = found->second;
  impl_->connections.erase(found);
  connection->close_after_writes();
}

std::optional<Released> TcpHost::release(ConnId id) {
  const auto found = impl_->connections.find(id);
  if (found == impl_->connections.end()) return std::nullopt;
  const auto connection = found->second;
  impl_->connections.erase(found);
  auto released = connection->release();
  return released.is_open() ? std::optional(std::move(released)) : std::nullopt;
}

void TcpHost::adopt(ConnId id, Released released) {
  boost::system::error_code problem;
  tcp::socket socket(impl_->context);
  struct sockaddr_storage name {};
  socklen_t size = sizeof name;
  const int fd = released.take();
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  socket.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, problem);
  if (problem) return void(::close(fd));
  const auto connection = impl_->add(id, std::move(socket));
  impl_->handler->accepted(id);
  if (impl_->connections.contains(id)) connection->offer(released.unread);
}

void TcpHost::close_all() {
  while (!impl_->connections.empty()) {
    const auto id = impl_->connections.begin()->first;
    const auto connection = impl_->connections.begin()->second;
    impl_->connections.erase(impl_->connections.begin());
    connection->abort();
    if (impl_->handler != nullptr) impl_->handler->closed(id);
  }
}

void TcpHost::stop() {
  impl_->handler = nullptr;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  for (const auto& [id, connection] : std::exchange(impl_->connections, {})) connection->abort();
}

}  // namespace coterie::transport
