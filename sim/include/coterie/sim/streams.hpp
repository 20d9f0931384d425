/// Simulated stream connections with the contract of messaging::StreamHandler: bytes arrive in
/// order, cut anywhere; a cut delays and never tears them, as TCP retransmits; a reset does, and
/// both ends hear of it; a reader that takes nothing stops its writer. Thread-safety: one owner.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "coterie/messaging/stream_handler.hpp"
#include "coterie/sim/network.hpp"

namespace coterie::sim {

class StreamHost;

/// All streams of a world.
class Streams {
 public:
  Streams(World& world, Network& network) : world_(world), network_(network) {}
  /// RST: every connection between the two nodes ends, with what is under way either way. How many.
  std::size_t reset(std::size_t a, std::size_t b);

 private:
  friend class StreamHost;
  using Half = std::uint64_t;  ///< names one end of a connection
  struct End {
    StreamHost* host = nullptr;  ///< none: closed by its owner, or on its way to another host
    ConnId conn{};
    std::size_t node{};
    Half peer = 0;  ///< 0: not connected yet
    std::size_t peer_node{};
    bool closing = false;
    bool ended = false;          ///< the peer's end arrives behind `arriving`
    std::deque<Bytes> writes{};  ///< not on the wire yet
    std::deque<Bytes> arriving{};
    Bytes inbox{};
    std::size_t unread = 0;  ///< arriving and inbox
    Instant last{};          ///< deliveries to this end keep their order
  };

  Half dial(StreamHost& from, ConnId conn, const Address& to);
  void connect(Half dialler, const Address& to);
  void pump(Half half);
  void written(Half half);
  void deliver(Half half);
  void offer(Half half);
  void end(Half half);
  void arrive(Half half);
  void close(Half half);
  void break_now(Half half);
  void tell_closed(StreamHost* host, ConnId conn);
  [[nodiscard]] End* find(Half half);

  World& world_;
  Network& network_;
  std::map<Half, End> ends_{};
  std::map<Address, StreamHost*> listening_{};
  Half next_ = 1;
};

/// One host of stream connections; the shape of transport::TcpHost.
class StreamHost {
 public:
  struct Released {
    std::uint64_t half{};
  };
  struct Limits {
    std::size_t connections = 1024;
    std::size_t largest_message = 16 * 1024 * 1024;
  };
  StreamHost(World& world, std::size_t node, messaging::StreamHandler& handler, Limits limits);
  /// Its connections end as if the process had died.
  ~StreamHost();
  StreamHost(const StreamHost&) = delete;
  StreamHost& operator=(const StreamHost&) = delete;
  void listen(const Address& address);
  void dial(ConnId id, const Address& to);
  void write(ConnId id, Bytes bytes);
  void close(ConnId id);
  [[nodiscard]] std::optional<Released> release(ConnId id);
  void adopt(ConnId id, Released released);

 private:
  friend class Streams;
  World& world_;
  Streams& streams_;
  std::size_t node_;
  messaging::StreamHandler& handler_;
  Limits limits_;
  std::map<ConnId, Streams::Half> halves_{};
  std::optional<Address> address_{};
};

}  // namespace coterie::sim
