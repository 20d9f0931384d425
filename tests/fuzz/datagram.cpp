/// Whatever arrives on the gossip port by UDP, at a member of a small pool.
#include <cstddef>
#include <cstdint>

#include "coterie/membership/swim.hpp"

using namespace coterie;
using namespace coterie::membership;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto at = [](std::uint16_t port) { return address_from(Bytes{127, 0, 0, 1}, port); };
  Instant now{1'000'000'000};
  SwimConfig config;
  config.packet.serf = size > 0 && (data[0] & 1) != 0;
  Swim swim(config, "n0", at(1), Bytes{}, Random(1), now);
  wire::PushPull pool;
  for (std::uint16_t i = 0; i < 4; ++i)
    pool.nodes.push_back({"n" + std::to_string(i),
                          at(i + 1),
                          {},
                          1,
                          wire::PushPullState::alive,
                          wire::native_versions});
  swim.know(pool, now);
  (void)swim.receive(at(2), ByteView(data, size), now);
  for (int i = 0; i < 20; ++i) (void)swim.tick(now = now + 100ms);
  return 0;
}
