/// The datagram socket of gossip. Thread-safety: used on its loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "coterie/core/address.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

/// The largest datagram that is read; gossip sends at most 1400 bytes, peers may send more.
inline constexpr std::size_t max_datagram_bytes = 65'536;

class UdpSocket {
 public:
  using Receive = std::function<void(const Address& from, ByteView datagram)>;
  /// `failed` is told of an error that reading cannot get over.
  UdpSocket(EventLoop& loop, Receive receive, std::function<void(std::string)> failed);
  ~UdpSocket();
  [[nodiscard]] Status bind(const Address& address);
  [[nodiscard]] Address local() const;
  /// Best effort, like UDP itself: a full socket drops. False if the kernel knows that it is too
  /// large for the path; it is never fragmented.
  bool send(const Address& to, ByteView datagram);
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace coterie::transport
