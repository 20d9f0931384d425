#include "coterie/membership/versions.hpp"

#include <algorithm>

namespace coterie::membership {
namespace {

// [pMin, pMax, pCur, dMin, dMax, dCur]
constexpr std::size_t p = 0;
constexpr std::size_t d = 3;

bool within(std::uint8_t version, std::uint8_t low, std::uint8_t high) {
  return low <= version && version <= high;
}

/// What every current version must lie in.
struct Ranges {
  std::uint8_t low[2] = {0, 0};
  std::uint8_t high[2] = {255, 255};

  void narrow(const wire::Versions& v) {
    for (const auto part : {p, d}) {
      low[part / d] = std::max(low[part / d], v[part]);
      high[part / d] = std::min(high[part / d], v[part + 1]);
    }
  }
  [[nodiscard]] bool hold(const wire::Versions& v) const {
    return within(v[p + 2], low[0], high[0]) && within(v[d + 2], low[1], high[1]);
  }
};

}  // namespace

bool well_formed(const wire::Versions& v) {
  return v[p] > 0 && within(v[p + 2], v[p], v[p + 1]) && within(v[d + 2], v[d], v[d + 1]);
}

bool compatible(const wire::Versions& a, const wire::Versions& b) {
  Ranges ranges;
  ranges.narrow(a);
  ranges.narrow(b);
  return ranges.hold(a) && ranges.hold(b);
}

std::string misfit(const wire::PushPull& remote, const MemberTable& local) {
  Ranges ranges;
  for (const auto& node : remote.nodes)
    if (node.state == wire::PushPullState::alive) ranges.narrow(node.versions);
  for (const auto& member : local)
    if (member.state == MemberState::alive) ranges.narrow(member.versions);
  for (const auto& node : remote.nodes)
    if (!well_formed(node.versions) || !ranges.hold(node.versions)) return node.name;
  for (const auto& member : local)
    if (!ranges.hold(member.versions)) return member.name;
  return {};
}

}  // namespace coterie::membership
