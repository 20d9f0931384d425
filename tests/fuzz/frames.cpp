/// Frames of the link port, each decoder by itself.
#include <cstddef>
#include <cstdint>

#include "coterie/messaging/handshake.hpp"
#include "coterie/wire/frame.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  (void)wire::read_prefix(bytes);
  (void)wire::read_request(bytes);
  (void)wire::read_reply(bytes);
  (void)messaging::decode_hello(bytes);
  (void)messaging::decode_refuse(bytes);
  return 0;
}
