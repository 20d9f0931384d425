/// The shell around Swim alone: the gossip port's sockets and one timer. Decides nothing.
/// Thread-safety: everything on its loop's thread, but the constructor and bind().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "coterie/membership/swim.hpp"
#include "coterie/transport/tcp_host.hpp"
#include "coterie/transport/udp_socket.hpp"
#include "host_pressure.hpp"
#include "pool_bridge.hpp"
#include "settings.hpp"

namespace coterie {

class GossipShell final : private messaging::StreamHandler {
 public:
  GossipShell(transport::EventLoop& loop, PoolBridge& bridge, LogSink log);
  ~GossipShell() override;
  [[nodiscard]] Status bind(const Address& address);
  [[nodiscard]] const Address& bound() const { return bound_; }
  void start(membership::Swim swim, std::vector<Address> seeds);
  /// Gives the core an input and carries out what it wants; not before start() nor after close().
  void feed(const std::function<membership::SwimEffects(membership::Swim&, Instant)>& input);
  void leave(std::function<void()> done);
  void close();
  [[nodiscard]] bool is_closed() const { return !tcp_; }
  [[nodiscard]] const membership::Swim* swim() const { return swim_ ? &*swim_ : nullptr; }

 private:
  void accepted(ConnId id) override;
  void connected(ConnId) override {}
  std::size_t received(ConnId id, ByteView bytes) override;
  void closed(ConnId id) override;
  void written(ConnId) override {}
  bool congested(ConnId) override { return false; }
  void apply(membership::SwimEffect& effect);
  void failed(const std::string& reason);
  void set_timer();

  transport::EventLoop& loop_;
  PoolBridge& bridge_;
  LogSink log_;
  std::atomic<std::uint64_t> conn_ids_{1};
  Address bound_{};
  std::unique_ptr<transport::UdpSocket> udp_{};
  std::unique_ptr<transport::TcpHost> tcp_{};
  std::optional<membership::Swim> swim_{};
  std::function<void()> left_{};
  transport::Timer timer_, rebind_;
  Instant timer_at_ = never;
  HostPressure pressure_{};
};

}  // namespace coterie
