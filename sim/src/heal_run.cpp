#include "coterie/sim/heal_run.hpp"

#include "coterie/sim/pool.hpp"

namespace coterie::sim {
namespace {

constexpr Duration heal_patience = 600s;
constexpr Duration heal_look = 500ms;

}  // namespace

const std::vector<HealCase>& heal_cases() {
  static const std::vector<HealCase> cases{
      {.name = "halves, 10 min"},
      {.name = "one isolated, 10 min", .first_group = 1},
      {.name = "everyone isolated, 10 min", .first_group = 0},
      {.name = "halves, 1 h", .split = 3600s},
  };
  return cases;
}

HealResult run_heal(const HealCase& which, std::uint64_t seed) {
  Pool pool({.nodes = which.nodes, .seed = seed});
  HealResult result;
  pool.on_death = [&](std::size_t, std::size_t) { result.noticed = true; };
  pool.run_until(pool.now() + 10s);
  std::vector<std::uint8_t> groups(which.nodes, 0);
  for (std::size_t i = 0; i < which.nodes; ++i)
    groups[i] = static_cast<std::uint8_t>(which.first_group == 0  ? i
                                          : i < which.first_group ? 0
                                                                  : 1);
  pool.split(std::move(groups));
  pool.run_until(pool.now() + which.split);
  pool.heal();
  const auto repaired = pool.now();
  while (pool.now() < repaired + heal_patience) {
    pool.run_until(pool.now() + heal_look);
    if (!pool.all_alive()) continue;
    result.healed_s = in_seconds(pool.now() - repaired);
    break;
  }
  return result;
}

}  // namespace coterie::sim
