#include "coterie/membership/member.hpp"

#include <algorithm>
#include <cmath>

#include "coterie/membership/swim_config.hpp"

namespace coterie::membership {

std::string_view to_string(MemberState state) {
  switch (state) {
    case MemberState::alive: return "alive";
    case MemberState::suspect: return "suspect";
    case MemberState::dead: return "dead";
    case MemberState::left: return "left";
  }
  return "?";
}

Duration suspicion_timeout(const SwimConfig& config, std::size_t members) {
  const double scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(members))));
  const auto thousandths = static_cast<std::int64_t>(scale * 1000);
  return config.suspicion_mult * config.probe_interval * thousandths / 1000;
}

}  // namespace coterie::membership
