#include "coterie/sim/pool.hpp"

#include "coterie/wire/push_pull.hpp"

namespace coterie::sim {

using membership::Swim;
using membership::SwimEffects;

Address Pool::address_of(std::size_t node) {
  return address_from(Bytes{10, static_cast<std::uint8_t>(node >> 16),
                            static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node)},
                      7946);
}
std::size_t Pool::node_of(const Address& address) {
  return std::size_t{address.ip[1]} << 16 | std::size_t{address.ip[2]} << 8 | address.ip[3];
}

Pool::Pool(PoolConfig config) : config_(config), random_(config.seed), nodes_(config.nodes) {
  const auto name = [](std::size_t i) { return "n" + std::to_string(i); };
  wire::PushPull everybody;
  const auto meta = config_.native ? Bytes{wire::native_mark} : Bytes{};
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    everybody.nodes.push_back(
        {name(i), address_of(i), meta, 1, wire::PushPullState::alive, wire::native_versions});
    nodes_[i].swim =
        std::make_unique<Swim>(config_.swim, name(i), address_of(i), meta, random_.split(), now_);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (config_.formed) nodes_[i].swim->know(everybody, now_);
    else if (i > 0) apply(i, nodes_[i].swim->join({address_of(0)}, now_));
    arm(i);
  }
}

bool Pool::all_alive() const {
  for (const auto& node : nodes_)
    if (node.swim->present() != nodes_.size()) return false;
  return true;
}

Duration Pool::latency() {
  return config_.latency_min + random_.below(config_.latency_max - config_.latency_min);
}

void Pool::set_loss(std::size_t node, double in, double out) {
  nodes_[node].loss_in = in;
  nodes_[node].loss_out = out;
}

bool Pool::lost(std::size_t from, std::size_t to) {
  if (!cut_.empty() && cut_.contains({from, to})) return true;
  const auto passes = (1 - config_.loss) * (1 - nodes_[from].loss_out) * (1 - nodes_[to].loss_in);
  return passes < 1 && random_.chance(1 - passes);
}

/// What TCP does about loss: the handshake is tried again after 1, 2 and 4 s, data after 200 ms and
/// twice as long each time. None: it gives up.
std::optional<Duration> Pool::repeats(const Event& event, std::size_t from) {
  const bool handshake = event.kind == Kind::request;
  Duration waited{}, pause = handshake ? Duration{1s} : Duration{200ms};
  for (int tries = handshake ? 4 : 6; tries > 0; --tries) {
    const bool there = !lost(from, event.to);
    if (there && (!handshake || !lost(event.to, from))) return waited;
    waited = waited + pause;
    pause = pause * 2;
  }
  return std::nullopt;
}

void Pool::run_until(Instant end) {
  while (!events_.empty() && events_.next_at() <= end) {
    now_ = events_.next_at();
    auto event = events_.pop();
    trace_.add(static_cast<std::uint64_t>(now_.nanos) << 20 ^ event.to);
    handle(event);
  }
  now_ = end;
}

void Pool::block(std::size_t node, Instant until) {
  nodes_[node].blocked_until = until;
  events_.push(until, {.to = static_cast<std::uint32_t>(node)});
}

void Pool::kill(std::size_t node, bool host_lives) {
  nodes_[node].dead = true;
  nodes_[node].refuses = host_lives;
}

void Pool::broadcast(std::size_t node, const std::string& name) {
  apply(node, nodes_[node].swim->broadcast(name, {}, false, now_));
  arm(node);
}

void Pool::handle(Event& event) {
  auto& node = nodes_[event.to];
  if (node.dead) {
    if (event.kind == Kind::request && node.refuses && !nodes_[event.from].dead) {
      (void)nodes_[event.from].swim->stream_closed(event.stream, now_);
      arm(event.from);
    }
    return;
  }
  if (blocked(event.to)) {
    if (event.kind != Kind::wake) return node.held.push_back(std::move(event));
    if (!node.unsent.empty()) return;  // it stands before a send
    return wake(event.to);
  }
  auto& swim = *node.swim;
  switch (event.kind) {
    case Kind::wake: return wake(event.to);
    case Kind::datagram:
      apply(event.to, swim.receive(address_of(event.from), event.bytes, now_));
      break;
    case Kind::request: {
      const ConnId inbound{++conns_};
      auto effects = swim.stream_accepted(inbound, now_);
      answer(event.to, inbound, std::move(effects), event);
      effects = swim.stream_received(inbound, event.bytes, now_);
      answer(event.to, inbound, std::move(effects), event);
      (void)swim.stream_closed(inbound, now_);
      break;
    }
    case Kind::reply:
      apply(event.to, swim.stream_received(event.stream, event.bytes, now_));
      (void)swim.stream_closed(event.stream, now_);
      break;
  }
  arm(event.to);
}

/// The clock first, then what waited: a timer does not know what lies in the socket.
void Pool::wake(std::size_t index) {
  auto& node = nodes_[index];
  if (node.wake_at <= now_) node.wake_at = never;
  if (node.swim->next_deadline() <= now_) apply(index, node.swim->tick(now_));
  if (!blocked(index)) {
    for (auto& event : std::exchange(node.unsent, {})) transmit(index, std::move(event));
    for (auto& event : std::exchange(node.held, {})) handle(event);
  }
  arm(index);
}

void Pool::transmit(std::size_t index, Event event) {
  if (blocked(index)) return nodes_[index].unsent.push_back(std::move(event));
  if (event.to >= nodes_.size()) return;
  if (!groups_.empty() && groups_[index] != groups_[event.to]) {
    if (event.kind == Kind::request) (void)nodes_[index].swim->stream_closed(event.stream, now_);
    return;
  }
  if (event.kind == Kind::datagram && lost(index, event.to)) return;
  auto at = now_ + (event.kind == Kind::request ? 2 : 1) * latency();
  if (event.kind != Kind::datagram) {
    const auto more = repeats(event, index);
    if (!more) return;
    at = at + *more;
  }
  events_.push(at, std::move(event));
}

void Pool::arm(std::size_t index) {
  auto& node = nodes_[index];
  const auto at = std::max(node.swim->next_deadline(), now_ + Duration{1});
  if (at >= node.wake_at) return;
  node.wake_at = at;
  events_.push(at, {.to = static_cast<std::uint32_t>(index)});
}

/// A stream's answer goes back to its dialler.
void Pool::answer(std::size_t node, ConnId inbound, SwimEffects effects, const Event& request) {
  for (auto& effect : effects) {
    auto* write = std::get_if<membership::WriteStream>(&effect);
    if (write == nullptr || write->stream != inbound) continue;
    ++messages_;
    bytes_ += write->bytes.size();
    transmit(node, {.kind = Kind::reply,
                    .to = request.from,
                    .from = request.to,
                    .stream = request.stream,
                    .bytes = std::move(write->bytes)});
  }
  std::erase_if(effects, [](const auto& effect) {
    return std::holds_alternative<membership::WriteStream>(effect);
  });
  apply(node, std::move(effects));
}

void Pool::apply(std::size_t index, SwimEffects effects) {
  for (auto& effect : effects) {
    if (auto* datagram = std::get_if<membership::SendDatagram>(&effect)) {
      ++messages_;
      bytes_ += datagram->bytes.size();
      transmit(index, {.kind = Kind::datagram,
                       .to = static_cast<std::uint32_t>(node_of(datagram->to)),
                       .from = static_cast<std::uint32_t>(index),
                       .bytes = std::move(datagram->bytes)});
    } else if (auto* open = std::get_if<membership::OpenStream>(&effect)) {
      ++messages_;
      bytes_ += open->bytes.size();
      transmit(index, {.kind = Kind::request,
                       .to = static_cast<std::uint32_t>(node_of(open->to)),
                       .from = static_cast<std::uint32_t>(index),
                       .stream = open->stream,
                       .bytes = std::move(open->bytes)});
    } else if (std::holds_alternative<membership::UserEvent>(effect)) {
      if (on_event) on_event(index);
    } else if (const auto* changed = std::get_if<membership::MemberChanged>(&effect)) {
      if (changed->state_changed && on_state) on_state(index, changed->member);
      if (changed->state_changed && changed->member.state == membership::MemberState::dead &&
          on_death)
        on_death(index, node_of(changed->member.gossip));
    }
  }
}

}  // namespace coterie::sim
