#include "coterie/sim/timer.hpp"

#include "coterie/sim/world.hpp"

namespace coterie::sim {

void Timer::set(Instant at, std::function<void()> task) {
  const auto mine = ++*setting_;
  if (at == never) return;
  world_.at(at, [setting = std::weak_ptr<std::uint64_t>(setting_), mine, task = std::move(task)] {
    const auto current = setting.lock();
    if (current && *current == mine) task();
  });
}

}  // namespace coterie::sim
