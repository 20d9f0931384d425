#include "coterie/sim/timer.hpp"

#include "coterie/sim/world.hpp"

namespace coterie::sim {

/// Mostly a timer is put off: the event that is on its way finds out and goes on, so that there is
/// one for each timer and not one for each input.
void Timer::set(Instant at, std::function<void()> task) {
  state_->wanted = at;
  state_->task = std::move(task);
  if (at < state_->scheduled) schedule(world_, state_);
}

void Timer::schedule(World& world, const std::shared_ptr<State>& state) {
  state->scheduled = state->wanted;
  world.at(state->scheduled, [&world, weak = std::weak_ptr<State>(state), event = ++state->event] {
    const auto current = weak.lock();
    if (!current || current->event != event) return;
    current->scheduled = never;
    if (current->wanted == never) return;
    if (current->wanted > world.now()) return schedule(world, current);
    current->wanted = never;
    const auto task = std::move(current->task);  // it may set the timer
    task();
  });
}

}  // namespace coterie::sim
