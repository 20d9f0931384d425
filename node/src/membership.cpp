#include "coterie/membership.hpp"

#include <future>
#include <random>
#include <thread>

#include "coterie/membership/node_meta.hpp"
#include "coterie/transport/event_loop.hpp"
#include "discovery.hpp"
#include "gossip_shell.hpp"

namespace coterie {

using membership::Swim;
using transport::EventLoop;

struct Membership::State {
  State(std::unique_ptr<EventLoop> on, Config settings)
      : config(std::move(settings)), loop(std::move(on)), shell(*loop, bridge, config.log) {}

  /// Ends what runs; afterwards nothing of this is touched by another thread.
  void end() {
    discovery.reset();
    if (thread.joinable()) {
      loop->stop();
      thread.join();
    }
    shell.close();
    bridge.close();
  }

  Config config;
  std::unique_ptr<EventLoop> loop;
  PoolBridge bridge{};
  GossipShell shell;
  std::unique_ptr<Discovery> discovery{};
  std::thread thread{};  ///< none on a loop of the caller's
  std::atomic<bool> left{false};
};

namespace {

Swim make_swim(const Config& config, const Address& bound) {
  std::random_device entropy;
  const auto seed = std::uint64_t{entropy()} << 32 | entropy();
  // In a native pool one of ours, but no node with a link port.
  auto meta = foreign_meta(config).value_or(encode(membership::NodeMeta{}));
  return Swim(swim_config(config).value(), config.name, advertised(config, bound, true),
              std::move(meta), Random(seed), EventLoop::now());
}

Error stopped() { return error(Errc::unavailable, "this member has left"); }

}  // namespace

/// Nothing is left of a task whose membership is gone.
template <class Task>
void Membership::post(Task task) {
  state_->loop->post([weak = std::weak_ptr(state_), task = std::move(task)]() mutable {
    if (const auto state = weak.lock()) task(*state);
  });
}

Result<Membership> Membership::start(Config config) {
  auto started = start_on(std::make_unique<EventLoop>(), std::move(config));
  if (started)
    started->state_->thread = std::thread([loop = started->state_->loop.get()] { loop->run(); });
  return started;
}

Result<Membership> Membership::start_on(std::unique_ptr<EventLoop> loop, Config config) {
  config.link = config.management = "127.0.0.1:0";  // not opened
  if (const auto good = settle(config); !good) return good.error();
  const auto ports = parse_ports(config);
  if (!ports) return ports.error();
  auto state = std::make_shared<State>(std::move(loop), std::move(config));
  if (const auto bound = state->shell.bind(ports->gossip); !bound) return bound.error();
  std::vector<Address> seeds;
  for (const auto& seed : state->config.join)
    if (const auto literal = parse_address(seed)) seeds.push_back(*literal);
  state->shell.start(make_swim(state->config, state->shell.bound()), std::move(seeds));
  if (!std::all_of(state->config.join.begin(), state->config.join.end(), Discovery::is_literal)) {
    const auto dns = parse_address(state->config.dns);
    state->discovery = std::make_unique<Discovery>(
        state->config.join, dns ? std::optional(*dns) : std::nullopt,
        [weak = std::weak_ptr(state)](const std::vector<Address>& found) {
          const auto alive = weak.lock();
          if (!alive) return;
          alive->loop->post([weak, found] {
            if (const auto to = weak.lock())
              to->shell.feed([&](Swim& swim, Instant now) { return swim.set_seeds(found, now); });
          });
        },
        state->config.log);
  }
  return Membership(std::move(state));
}

Membership::Membership(std::shared_ptr<State> state) : state_(std::move(state)) {}
Membership::Membership(Membership&&) noexcept = default;
Membership& Membership::operator=(Membership&& other) noexcept {
  Membership old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}
Membership::~Membership() {
  if (!state_) return;
  if (state_->thread.joinable()) (void)leave();
  state_->end();
}

std::vector<MemberView> Membership::members() const { return state_->bridge.members(); }
PoolEvents Membership::events() { return PoolEvents(state_->bridge.subscribe()); }

void Membership::watch(std::function<void(const PoolEvent&)> told) {
  post([told = std::move(told)](State& state) mutable {
    state.bridge.watch([told = std::move(told)](const PoolEvent* event) {
      if (event != nullptr) told(*event);
      return event != nullptr;
    });
  });
}

Status Membership::broadcast(std::string name, std::string payload, bool coalesce) {
  if (const auto problem = check_event(state_->config, name, payload)) return *problem;
  if (state_->left) return stopped();
  post([name = std::move(name), bytes = to_bytes(view(payload)), coalesce](State& state) {
    state.shell.feed(
        [&](Swim& swim, Instant now) { return swim.broadcast(name, bytes, coalesce, now); });
  });
  return Done{};
}

void Membership::query(std::string name, std::string payload, QueryOptions options,
                       std::function<void(Result<QueryResult>)> done) {
  if (const auto problem = check_query(state_->config, name, payload)) return done(*problem);
  if (state_->left) return done(stopped());
  const auto number = state_->bridge.expect(collect_answers(std::move(done)));
  post([number, name = std::move(name), bytes = to_bytes(view(payload)),
        timeout = options.timeout](State& state) {
    state.shell.feed(
        [&](Swim& swim, Instant now) { return swim.query(number, name, bytes, timeout, now); });
  });
}

Status Membership::answer(const QueryEvent& query, std::string payload) {
  if (const auto problem = check_answer(state_->config, payload)) return *problem;
  if (state_->left) return stopped();
  post([number = query.query, bytes = to_bytes(view(payload))](State& state) {
    state.shell.feed([&](Swim& swim, Instant now) { return swim.answer(number, bytes, now); });
  });
  return Done{};
}

Status Membership::set_metadata(std::string metadata) {
  if (const auto problem = check_metadata(state_->config, metadata)) return *problem;
  if (state_->left) return stopped();
  post([bytes = to_bytes(view(metadata))](State& state) {
    state.shell.feed([&](Swim& swim, Instant now) {
      auto out = swim.set_details(bytes, now);
      const membership::NodeMeta meta{.details = membership::details_hash(bytes)};
      for (auto& effect : swim.update_meta(encode(meta), now)) out.push_back(std::move(effect));
      return out;
    });
  });
  return Done{};
}

Shared Membership::shared() {
  return Shared(
      std::shared_ptr<const PoolBridge>(state_, &state_->bridge),
      [weak = std::weak_ptr(state_)](gossip::SharedChange change) -> Status {
        const auto state = weak.lock();
        if (!state || state->left) return stopped();
        if (const auto problem = check_native(state->config)) return *problem;
        state->loop->post([weak, change = std::move(change)] {
          if (const auto to = weak.lock())
            to->shell.feed([&](Swim& swim, Instant now) { return swim.share(change, now); });
        });
        return Done{};
      });
}

Result<double> Membership::phi(const std::string& member) const {
  const auto ask = [&] { return state_->shell.swim()->phi(member, EventLoop::now()); };
  if (state_->left) return stopped();
  if (state_->loop->is_this_thread()) return ask();
  std::promise<double> value;
  state_->loop->post([&] { value.set_value(ask()); });
  return value.get_future().get();
}

void Membership::leave(std::function<void()> done) {
  if (state_->left.exchange(true)) return state_->loop->post(std::move(done));
  post([done = std::move(done)](State& state) mutable {
    state.shell.leave([&state, done = std::move(done)] {
      state.shell.close();
      state.bridge.close();
      done();
    });
  });
}

Status Membership::leave() {
  if (state_->loop->is_this_thread())
    return error(Errc::wrong_thread, "leave() would block its own loop: give it a callback");
  std::promise<void> left;
  leave([&] { left.set_value(); });
  left.get_future().wait();
  return Done{};
}

std::string Membership::gossip_address() const { return to_string(state_->shell.bound()); }

}  // namespace coterie
