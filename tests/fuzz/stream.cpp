/// A stream on the gossip port, in two pieces: the first byte of the input says where it is cut.
#include <cstddef>
#include <cstdint>

#include "coterie/membership/swim.hpp"

using namespace coterie;
using namespace coterie::membership;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto at = [](std::uint16_t port) { return address_from(Bytes{127, 0, 0, 1}, port); };
  const Instant now{1'000'000'000};
  SwimConfig config;
  config.packet.serf = true;
  Swim swim(config, "n0", at(1), Bytes{}, Random(1), now);
  const ByteView bytes(data + 1, size - 1);
  const auto cut = bytes.size() * data[0] / 255;
  (void)swim.stream_accepted(ConnId{1}, now);
  (void)swim.stream_received(ConnId{1}, bytes.first(cut), now);
  (void)swim.stream_received(ConnId{1}, bytes.subspan(cut), now);
  (void)swim.stream_closed(ConnId{1}, now);
  return 0;
}
