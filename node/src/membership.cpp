#include "coterie/membership.hpp"

#include <algorithm>
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
      : config(std::move(settings)), loop(std::move(on)), shell(*loop, *bridge, config.log) {}

  /// On the loop's thread, or once nobody runs it any more.
  void end() {
    left = true;
    discovery.reset();
    shell.close();
    bridge->close();
    for (auto& done : std::exchange(leaving, {})) done();
  }

  Config config;
  std::unique_ptr<EventLoop> loop;
  std::shared_ptr<PoolBridge> bridge = std::make_shared<PoolBridge>();
  GossipShell shell;
  std::unique_ptr<Discovery> discovery{};
  std::thread thread{};  ///< none on a loop of the caller's
  std::atomic<bool> left{false};
  std::atomic<bool> gone{false};                 ///< its owner is: nobody is told any more
  std::vector<std::function<void()>> leaving{};  ///< who waits for the leave; on the loop's thread
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

/// What waits for the loop waits no longer: a leave takes 3 s at most.
constexpr auto blocking_limit = std::chrono::seconds(10);

Error nobody_runs_it() { return error(Errc::unavailable, "nobody runs the loop of this member"); }
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
    started->state_->thread = std::thread([state = started->state_] { state->loop->run(); });
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
  auto& state = *state_;
  const bool here = state.loop->is_this_thread();
  if (state.thread.joinable() && !here) (void)leave();
  state.gone = true;
  if (!state.thread.joinable()) {  // perhaps from inside one of its own callbacks: later
    state.loop->post([kept = state_] { kept->end(); });
    return;
  }
  state.loop->stop();
  if (here) {
    state.thread.detach();  // it holds the state until it ends
  } else {
    state.thread.join();
    state.end();
  }
}

std::vector<MemberView> Membership::members() const { return state_->bridge->members(); }
PoolEvents Membership::events() { return PoolEvents(state_->bridge->subscribe()); }

void Membership::watch(std::function<void(const PoolEvent&)> told) {
  post([told = std::move(told)](State& state) mutable {
    state.bridge->watch([told = std::move(told), &gone = state.gone](const PoolEvent* event) {
      if (event == nullptr || gone) return false;
      told(*event);
      return true;
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
  const auto number = state_->bridge->expect(collect_answers(std::move(done)));
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
      state_->bridge, [weak = std::weak_ptr(state_)](gossip::SharedChange change) -> Status {
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
  const auto ask = [member](const State& state) {
    return state.shell.swim()->phi(member, EventLoop::now());
  };
  if (state_->left) return stopped();
  if (state_->loop->is_this_thread()) return ask(*state_);
  const auto value = std::make_shared<std::promise<double>>();
  auto answer = value->get_future();
  state_->loop->post([value, ask, weak = std::weak_ptr(state_)] {
    if (const auto state = weak.lock()) value->set_value(ask(*state));
  });
  if (answer.wait_for(blocking_limit) != std::future_status::ready) return nobody_runs_it();
  return answer.get();
}

void Membership::leave(std::function<void()> done) {
  state_->left = true;
  post([done = std::move(done), weak = std::weak_ptr(state_)](State& state) mutable {
    if (state.shell.is_closed()) return done();
    state.leaving.push_back(std::move(done));
    if (state.leaving.size() > 1) return;  // it is under way
    state.shell.leave([weak] {
      if (const auto kept = weak.lock()) kept->end();
    });
  });
}

Status Membership::leave() {
  if (state_->loop->is_this_thread())
    return error(Errc::wrong_thread, "leave() would block its own loop: give it a callback");
  const auto left = std::make_shared<std::promise<void>>();
  auto answer = left->get_future();
  leave([left] { left->set_value(); });
  if (answer.wait_for(blocking_limit) != std::future_status::ready) return nobody_runs_it();
  return Done{};
}

std::string Membership::gossip_address() const { return to_string(state_->shell.bound()); }

}  // namespace coterie
