#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "tcp_impl.hpp"

namespace coterie::transport {
namespace {

/// What the other side does not take for so long ends the connection, which is then dialled again:
/// a path that swallows packets would hold it for a quarter of an hour. Longer than write_timeout,
/// which tells the reason where both apply.
constexpr unsigned unanswered_ms = 40'000;

}  // namespace

messaging::StreamHandler* TcpConnection::handler() const {
  const auto host = host_.lock();
  return host && !gone_ ? host->handler : nullptr;
}

void TcpConnection::dial(const tcp::endpoint& to) {
  socket_.async_connect(to, [self = shared_from_this()](const boost::system::error_code& problem) {
    auto* handler = self->handler();
    if (handler == nullptr) return;
    if (problem) return self->fail();
    self->begin();
    handler->connected(self->id_);
  });
}

void TcpConnection::begin() {
  boost::system::error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  (void)::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms,
                     sizeof unanswered_ms);
  read();
}

void TcpConnection::read() {
  if (reading_ || gone_) return;
  reading_ = true;
  if (buffer_.empty()) buffer_.resize(first_buffer_);  // a dial that fails never needs one
  socket_.async_read_some(
      asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
      [self = shared_from_this()](const boost::system::error_code& problem, std::size_t size) {
        self->reading_ = false;
        self->on_read(problem, size);
      });
}

void TcpConnection::on_read(const boost::system::error_code& problem, std::size_t size) {
  if (handler() == nullptr) return;
  if (problem) return fail();
  filled_ += size;
  if (deliver()) read();
}

/// False if reading must stop: the connection is gone, or its peer reads too slowly.
bool TcpConnection::deliver() {
  auto* to = handler();
  const auto consumed = to->received(id_, ByteView(buffer_.data(), filled_));
  if (handler() == nullptr) return false;
  if (consumed > 0) std::memmove(buffer_.data(), buffer_.data() + consumed, filled_ - consumed);
  filled_ -= consumed;
  const auto host = host_.lock();
  if (filled_ == buffer_.size()) {
    if (buffer_.size() >= host->limits.largest_message) return fail(), false;
    buffer_.resize(std::min(buffer_.size() * 2, host->limits.largest_message));
  }
  return !to->congested(id_);
}

void TcpConnection::write(Bytes bytes) {
  if (gone_ || closing_) return;
  writes_.push_back(std::move(bytes));
  if (writes_.size() == 1) write_next();
}

void TcpConnection::write_next() {
  asio::async_write(socket_, asio::buffer(writes_.front()),
                    [self = shared_from_this()](const boost::system::error_code& problem,
                                                std::size_t) { self->on_written(problem); });
}

void TcpConnection::on_written(const boost::system::error_code& problem) {
  if (problem) {
    if (closing_) return abort();
    return fail();
  }
  writes_.pop_front();
  if (!writes_.empty()) return write_next();
  if (closing_) return abort();
  auto* to = handler();
  if (to == nullptr) return;
  to->written(id_);
  if (handler() != nullptr && !reading_ && !to->congested(id_)) read();
}

void TcpConnection::close_after_writes() {
  const auto host = host_.lock();
  gone_ = closing_ = true;
  if (writes_.empty() || !host) return abort();
  // A peer that reads nothing must not keep a socket and what we wanted to say for ever.
  linger_.emplace(socket_.get_executor());
  linger_->expires_after(host->limits.close_within);
  linger_->async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (self && !problem) self->abort();
  });
}

void TcpConnection::abort() {
  gone_ = true;
  linger_.reset();
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void TcpConnection::fail() {
  const auto host = host_.lock();
  auto* to = handler();
  abort();
  if (host) host->connections.erase(id_);
  if (to != nullptr) to->closed(id_);
}

Released TcpConnection::release() {
  gone_ = true;
  boost::system::error_code problem;
  const int fd = socket_.release(problem);
  if (problem) return {};
  return {fd, Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(filled_))};
}

void TcpConnection::offer(ByteView unread) {
  buffer_.resize(std::max(first_buffer_, unread.size() * 2));
  std::copy(unread.begin(), unread.end(), buffer_.begin());
  filled_ = unread.size();
  if (filled_ > 0 && !deliver()) return;
  read();
}

}  // namespace coterie::transport
