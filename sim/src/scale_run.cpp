#include "coterie/sim/scale_run.hpp"

#include "coterie/sim/pool.hpp"

namespace coterie::sim {

ScaleResult run_scale(std::size_t nodes, Duration span, std::uint64_t seed) {
  membership::SwimConfig config;
  config.packet.rules.compress = false;  // it changes bytes, not messages
  Pool pool({.nodes = nodes, .seed = seed, .swim = config});
  ScaleResult result;
  pool.on_death = [&](std::size_t, std::size_t) { ++result.know; };
  const auto began = pool.now();
  pool.run_until(began + span / 2);
  pool.kill(0, true);
  pool.run_until(began + span);
  const auto seconds = in_seconds(span);
  const auto node_seconds = seconds * static_cast<double>(nodes);
  result.node_hours = node_seconds / 3600;
  result.messages_per_node_second = static_cast<double>(pool.messages()) / node_seconds;
  result.bytes_per_node_second = static_cast<double>(pool.bytes()) / node_seconds;
  result.trace = pool.trace();
  return result;
}

}  // namespace coterie::sim
