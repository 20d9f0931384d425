/// One small owner per connection; private to transport.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "asio_loop.hpp"
#include "coterie/transport/tcp_host.hpp"

namespace coterie::transport {

using asio::ip::tcp;

class TcpConnection;

struct TcpHost::Impl : std::enable_shared_from_this<TcpHost::Impl> {
  Impl(EventLoop& loop, messaging::StreamHandler& h, std::atomic<std::uint64_t>& i, TcpLimits l,
       std::function<void(std::string)> f)
      : context(loop.impl().context),
        pause(loop),
        acceptor(context),
        handler(&h),
        ids(i),
        limits(l),
        failed(std::move(f)) {}
  void accept();
  void accept_later();
  void on_accept(const boost::system::error_code& problem, tcp::socket socket);
  std::shared_ptr<TcpConnection> add(ConnId id, tcp::socket socket);

  asio::io_context& context;
  Timer pause;  ///< before accepting again, when the process or the kernel ran out of something
  tcp::acceptor acceptor;
  messaging::StreamHandler* handler;  ///< null once stopped
  std::atomic<std::uint64_t>& ids;
  TcpLimits limits;
  std::function<void(std::string)> failed;
  std::map<ConnId, std::shared_ptr<TcpConnection>> connections{};
};

class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(std::weak_ptr<TcpHost::Impl> host, ConnId id, tcp::socket socket,
                std::size_t buffer)
      : host_(std::move(host)), id_(id), socket_(std::move(socket)), first_buffer_(buffer) {}
  void dial(const tcp::endpoint& to);
  /// Sets the socket up and reads.
  void begin();
  void write(Bytes bytes);
  void close_after_writes();
  void abort();
  [[nodiscard]] Released release();
  void offer(ByteView unread);

 private:
  void read();
  void on_read(const boost::system::error_code& problem, std::size_t size);
  bool deliver();
  void write_next();
  void on_written(const boost::system::error_code& problem);
  void fail();
  [[nodiscard]] messaging::StreamHandler* handler() const;

  std::weak_ptr<TcpHost::Impl> host_;
  ConnId id_;
  tcp::socket socket_;
  std::size_t first_buffer_;
  Bytes buffer_{};
  std::size_t filled_ = 0;
  std::deque<Bytes> writes_{};  ///< bounded by the core: one write in flight a lane, few a stream
  std::optional<asio::steady_timer> linger_{};
  bool closing_ = false;
  bool gone_ = false;  ///< the handler hears nothing more
  bool reading_ = false;
};

}  // namespace coterie::transport
