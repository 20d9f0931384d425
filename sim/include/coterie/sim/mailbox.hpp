/// The shape of transport::Mailbox on virtual time: bounded, in order, and never instant.
/// Thread-safety: one owner.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "coterie/sim/world.hpp"

namespace coterie::sim {

template <class T>
class Mailbox {
 public:
  using Handler = std::function<void(std::vector<T>& batch)>;
  /// A batch is taken up to `delay` after its first item came.
  Mailbox(World& world, std::size_t bound, Duration delay, Random random, Handler handler)
      : state_(std::make_shared<State>(world, bound, delay, random, std::move(handler))) {}

  /// False: it is full.
  [[nodiscard]] bool put(T item) {
    if (state_->items.size() >= state_->bound) return false;
    state_->items.push_back(std::move(item));
    if (state_->items.size() > 1) return true;
    const auto delay = Duration{1} + state_->random.below(state_->delay);
    state_->world.after(delay, [weak = std::weak_ptr<State>(state_)] {
      const auto state = weak.lock();
      if (!state) return;
      auto batch = std::exchange(state->items, {});
      state->handler(batch);
    });
    return true;
  }

 private:
  struct State {
    State(World& w, std::size_t b, Duration d, Random r, Handler h)
        : world(w), bound(b), delay(d), random(r), handler(std::move(h)) {}
    World& world;
    std::size_t bound;
    Duration delay;
    Random random;
    Handler handler;
    std::vector<T> items{};
  };
  std::shared_ptr<State> state_;
};

}  // namespace coterie::sim
