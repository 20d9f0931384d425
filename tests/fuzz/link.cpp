/// A connection on the link port, from its first byte, at a node's control plane.
#include <cstddef>
#include <cstdint>

#include "coterie/cluster/node_core.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto at = [](std::uint16_t port) { return address_from(Bytes{127, 0, 0, 1}, port); };
  const Instant now{1'000'000'000};
  cluster::NodeCore core({.name = "a",
                          .gossip = at(1),
                          .link = at(2),
                          .management = at(3),
                          .start = StartId{1},
                          .session = SessionId{7},
                          .cluster = {1, 2}},
                         Random(1), now);
  (void)core.start(now);
  (void)core.link_accepted(ConnId{1}, now);
  std::size_t consumed = 0;
  (void)core.link_received(ConnId{1}, ByteView(data, size), consumed, now);
  (void)core.link_closed(ConnId{1}, now);
  return 0;
}
