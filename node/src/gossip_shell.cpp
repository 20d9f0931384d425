#include "gossip_shell.hpp"

namespace coterie {

using membership::Swim;
using transport::EventLoop;

namespace {

constexpr Duration rebind_pause = 1s;  // a port that failed is opened again, for ever

}  // namespace

GossipShell::GossipShell(EventLoop& loop, PoolBridge& bridge, LogSink log)
    : loop_(loop), bridge_(bridge), log_(std::move(log)), timer_(loop), rebind_(loop) {}

GossipShell::~GossipShell() { close(); }

/// One port number for UDP and TCP, as memberlist has it; port 0 takes what TCP got.
Status GossipShell::bind(const Address& address) {
  const auto told = [this](const std::string& reason) { failed(reason); };
  udp_.reset();
  if (tcp_) tcp_->close_all();
  messaging::StreamHandler& streams = *this;
  tcp_ = std::make_unique<transport::TcpHost>(
      loop_, streams, conn_ids_,
      transport::TcpLimits{.connections = membership::max_streams,
                           .read_buffer = 16 * 1024,
                           .largest_message = 64 * 1024},
      told);
  if (const auto bound = tcp_->listen(address); !bound) return bound.error();
  bound_ = tcp_->local();
  udp_ = std::make_unique<transport::UdpSocket>(
      loop_,
      [this](const Address& from, ByteView datagram) {
        feed([&](Swim& swim, Instant now) { return swim.receive(from, datagram, now); });
      },
      told);
  return udp_->bind(bound_);
}

void GossipShell::failed(const std::string& reason) {
  log_(LogLevel::warning, "the gossip port failed: " + reason + "; it is opened again");
  rebind_.set(EventLoop::now() + rebind_pause, [this] {
    if (const auto again = bind(bound_); !again) failed(to_string(again.error()));
  });
}

void GossipShell::start(Swim swim, std::vector<Address> seeds) {
  swim_.emplace(std::move(swim));
  bridge_.on(membership::MemberChanged{swim_->self(), true});  // the first member is we
  feed([&](Swim& core, Instant now) { return core.join(std::move(seeds), now); });
}

void GossipShell::feed(const std::function<membership::SwimEffects(Swim&, Instant)>& input) {
  if (!swim_ || !tcp_) return;
  for (auto& effect : input(*swim_, EventLoop::now())) apply(effect);
  set_timer();
}

void GossipShell::set_timer() {
  if (!tcp_) return;
  const auto at = swim_->next_deadline();
  if (at == timer_at_) return;
  timer_at_ = at;
  timer_.set(at, [this] {
    timer_at_ = never;
    if (const auto sample = pressure_.sample(EventLoop::now()))
      feed(
          [&](Swim& swim, Instant now) { return swim.starved(sample->waited, sample->over, now); });
    feed([](Swim& swim, Instant now) { return swim.tick(now); });
  });
}

void GossipShell::leave(std::function<void()> done) {
  left_ = std::move(done);
  feed([](Swim& swim, Instant now) { return swim.leave(now); });
}

void GossipShell::close() {
  timer_.set(never, {});
  rebind_.set(never, {});
  if (udp_) udp_->close();
  if (tcp_) tcp_->stop();
  udp_.reset();
  tcp_.reset();
}

void GossipShell::accepted(ConnId id) {
  feed([&](Swim& swim, Instant now) { return swim.stream_accepted(id, now); });
}
std::size_t GossipShell::received(ConnId id, ByteView bytes) {
  feed([&](Swim& swim, Instant now) { return swim.stream_received(id, bytes, now); });
  return bytes.size();
}
void GossipShell::closed(ConnId id) {
  feed([&](Swim& swim, Instant now) { return swim.stream_closed(id, now); });
}

void GossipShell::apply(membership::SwimEffect& effect) {
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, membership::SendDatagram>) {
          if (udp_ && !udp_->send(e.to, e.bytes)) swim_->too_large(e.to, EventLoop::now());
        } else if constexpr (std::is_same_v<E, membership::OpenStream>) {
          tcp_->dial(e.stream, e.to);
          tcp_->write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::WriteStream>) {
          tcp_->write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::CloseStream>) {
          tcp_->close(e.stream);
        } else if constexpr (std::is_same_v<E, membership::LeaveFinished>) {
          if (left_) loop_.post(std::exchange(left_, {}));
        } else if constexpr (std::is_same_v<E, LogEvent>) {
          log_(e.level, e.text);
        } else if constexpr (ForPool<E>) {
          bridge_.on(e);
        }
      },
      effect);
}

}  // namespace coterie
