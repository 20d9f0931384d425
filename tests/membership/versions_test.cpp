#include "coterie/membership/versions.hpp"

#include <doctest/doctest.h>

#include "coterie/membership/swim.hpp"
#include "ground.hpp"

using namespace coterie;
using namespace coterie::membership;

namespace {

constexpr wire::Versions serf{1, 5, 2, 2, 5, 5};

Swim in_pool_of(const wire::Versions& versions) {
  SwimConfig config;
  config.packet.versions = versions;
  return {config, "me", at(1), {}, Random(1), start};
}
wire::Alive alive(const wire::Versions& versions) {
  return {.incarnation = 1, .node = "other", .address = at(2), .meta = {}, .versions = versions};
}
wire::PushPull state(const wire::Versions& versions) {
  return {.nodes = {{"fine", at(3), {}, 1, wire::PushPullState::alive, serf},
                    {"odd", at(4), {}, 1, wire::PushPullState::alive, versions}}};
}

}  // namespace

TEST_CASE("versions: what real Serf accepted and refused, by state exchange and by datagram") {
  // The table of the wire protocol's section 14.
  const std::vector<std::pair<wire::Versions, bool>> cases{
      {{1, 5, 2, 2, 5, 4}, true},  {{2, 5, 2, 2, 5, 5}, true},  {{2, 5, 5, 2, 5, 5}, true},
      {{1, 5, 2, 3, 9, 5}, true},  {{1, 5, 2, 2, 2, 2}, false}, {{1, 5, 2, 4, 4, 4}, false},
      {{1, 5, 2, 2, 6, 6}, false}, {{1, 6, 6, 2, 5, 5}, false}, {{1, 5, 2, 0, 0, 0}, false},
      {{0, 5, 2, 2, 5, 5}, false}, {{5, 1, 2, 2, 5, 5}, false}, {{1, 5, 2, 5, 2, 5}, false}};
  for (const auto& [versions, fits] : cases) {
    INFO("d " << int(versions[3]) << " " << int(versions[4]) << " " << int(versions[5]) << ", p "
              << int(versions[0]) << " " << int(versions[1]) << " " << int(versions[2]));
    auto by_gossip = in_pool_of(serf);
    const auto effects = by_gossip.receive(at(2), wire::encode(alive(versions)), start);
    CHECK(by_gossip.members().contains("other") == fits);
    CHECK((by_gossip.refusals() == 0) == fits);
    auto by_stream = in_pool_of(serf);
    (void)by_stream.stream_accepted(ConnId{1}, start);
    (void)by_stream.stream_received(ConnId{1}, wire::encode(state(versions)), start);
    CHECK(by_stream.members().contains("odd") == fits);
    CHECK(by_stream.members().contains("fine") == fits);  // all or nothing
  }
}

TEST_CASE("versions: a plain pool and a Serf pool refuse each other") {
  CHECK(compatible(serf, serf));
  CHECK(compatible(wire::native_versions, wire::native_versions));
  CHECK_FALSE(compatible(serf, wire::native_versions));
  CHECK_FALSE(compatible(wire::native_versions, serf));
}
