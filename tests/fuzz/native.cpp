/// Native messages, shared state, and a native member that reads them from a stream.
#include <cstddef>
#include <cstdint>

#include "coterie/gossip/shared_state.hpp"
#include "coterie/membership/swim.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  (void)wire::decode_digest(bytes);
  (void)wire::decode_difference(bytes);
  (void)wire::decode_shared_difference(bytes);
  (void)wire::decode_user_stream(bytes, size);
  gossip::SharedState state("r");
  (void)state.change({.key = {gossip::SharedKind::set, "s"}, .item = "i"});
  (void)state.merge(bytes);
  (void)state.merge(bytes);
  const auto at = address_from(Bytes{127, 0, 0, 1}, 1);
  const Instant now{1'000'000'000};
  membership::Swim swim({}, "n0", at, Bytes{wire::native_mark}, Random(1), now);
  Bytes message{8};
  append(message, bytes);
  (void)swim.receive(at, message, now);
  (void)swim.stream_accepted(ConnId{1}, now);
  (void)swim.stream_received(ConnId{1}, message, now);
  return 0;
}
