/// Stream connections of one loop: accepts, dials, reads, writes, closes, and decides nothing.
/// Connections are named by ConnId: dialled ones by the core, accepted ones here. Thread-safety:
/// used on its loop's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "coterie/core/address.hpp"
#include "coterie/messaging/stream_handler.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

struct TcpLimits {
  std::size_t connections = 1024;                 ///< accepted at once; more are closed
  std::size_t read_buffer = 64 * 1024;            ///< parsed in place; grows to the largest message
  std::size_t largest_message = 8 * 1024 * 1024;  ///< a buffer never grows beyond this
  Duration close_within = 10s;  ///< to say what was written before a close; then it is cut off
};

/// A socket on its way to another loop; closed if it never arrives.
class Released {
 public:
  Released() = default;
  Released(int socket, Bytes read) : unread(std::move(read)), socket_(socket) {}
  ~Released();
  Released(Released&& other) noexcept
      : unread(std::move(other.unread)), socket_(std::exchange(other.socket_, -1)) {}
  Released& operator=(Released&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(unread, other.unread);
    return *this;
  }
  [[nodiscard]] bool is_open() const { return socket_ >= 0; }
  [[nodiscard]] int take() { return std::exchange(socket_, -1); }
  Bytes unread{};  ///< read, but not consumed

 private:
  int socket_ = -1;
};

class TcpHost {
 public:
  /// `ids` numbers accepted connections, process-wide unique. `failed` is told when accepting
  /// stopped.
  TcpHost(EventLoop& loop, messaging::StreamHandler& handler, std::atomic<std::uint64_t>& ids,
          TcpLimits limits, std::function<void(std::string)> failed);
  ~TcpHost();
  [[nodiscard]] Status listen(const Address& address);
  [[nodiscard]] Address local() const;
  void dial(ConnId id, const Address& to);
  void write(ConnId id, Bytes bytes);
  /// After what was written has gone out; the handler hears nothing more of it.
  void close(ConnId id);
  [[nodiscard]] std::optional<Released> release(ConnId id);
  /// Takes over a released socket: offers `unread` at once, then reads on.
  void adopt(ConnId id, Released released);
  /// Ends every connection and tells the handler of each.
  void close_all();
  void stop();

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace coterie::transport
