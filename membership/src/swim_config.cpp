#include "coterie/membership/swim_config.hpp"

namespace coterie::membership {

std::optional<SwimConfig> swim_profile(std::string_view name) {
  SwimConfig config;
  if (name == "lan") return config;
  if (name == "wan") {
    config.probe_interval = 5s;
    config.probe_timeout = 3s;
    config.gossip_interval = 500ms;
    config.gossip_nodes = 4;
    config.gossip_to_the_dead = 60s;
    config.suspicion_mult = 6;
    config.push_pull_interval = 60s;
    config.stream_timeout = 30s;
    return config;
  }
  if (name != "local") return std::nullopt;
  config.probe_timeout = 200ms;
  config.indirect_checks = 1;
  config.gossip_interval = 100ms;
  config.gossip_to_the_dead = 15s;
  config.retransmit_mult = 2;
  config.suspicion_mult = 3;
  config.push_pull_interval = 15s;
  config.stream_timeout = 1s;
  return config;
}

}  // namespace coterie::membership
