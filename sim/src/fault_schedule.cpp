#include "coterie/sim/fault_schedule.hpp"

#include <array>
#include <cstdio>

namespace coterie::sim {
namespace {

constexpr Duration pause_min = 500ms, pause_spread = 2s;

struct KindOfFault {
  const char* name;
  Duration longest;
};
/// In the order of Fault::Kind.
constexpr std::array kinds{
    KindOfFault{"kill", 12s},     KindOfFault{"power cut", 12s}, KindOfFault{"cut off", 5s},
    KindOfFault{"loss", 1ns},     KindOfFault{"moves to", 1ns},  KindOfFault{"full disk", 3s},
    KindOfFault{"leave", 8s},     KindOfFault{"drain", 8s},      KindOfFault{"reset", 1ns},
    KindOfFault{"slow disk", 5s}, KindOfFault{"failed disk", 8s}};

}  // namespace

std::vector<Fault> draw_faults(Random random, std::size_t nodes, Duration span) {
  std::vector<Fault> out;
  for (auto at = pause_min + random.below(pause_spread); at < span;
       at += pause_min + random.below(pause_spread)) {
    const auto kind = random.below(std::uint64_t{kinds.size()});
    out.push_back({.kind = static_cast<Fault::Kind>(kind),
                   .at = at,
                   .node = random.below(std::uint64_t{nodes}),
                   .span = random.below(kinds[kind].longest),
                   .loss = random.unit() * 0.3,
                   .seed = random.next()});
  }
  return out;
}

std::string describe(std::size_t number, const Fault& fault) {
  std::array<char, 96> text{};
  const auto& kind = kinds[static_cast<std::size_t>(fault.kind)];
  std::snprintf(text.data(), text.size(), "%zu: %s n%zu at %.3f s", number, kind.name, fault.node,
                in_seconds(fault.at));
  std::string out = text.data();
  if (fault.kind == Fault::Kind::loss)
    std::snprintf(text.data(), text.size(), ", %.0f %% of all datagrams", fault.loss * 100);
  else if (kind.longest > 1ns)
    std::snprintf(text.data(), text.size(), " for %.3f s", in_seconds(fault.span));
  else text[0] = 0;
  return out + text.data();
}

}  // namespace coterie::sim
