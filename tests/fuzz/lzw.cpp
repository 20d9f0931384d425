/// Decompression with a limit, and that what we compress unfolds to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coterie/wire/packet.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  (void)wire::decompress(bytes, 1024 * 1024);
  const auto packed = wire::compress(bytes);
  const auto plain = wire::decompress(ByteView(packed).subspan(1), size + 1);
  const auto* same = std::get_if<Bytes>(&plain);
  if (size > 0 && (same == nullptr || !equal(*same, bytes))) std::abort();
  return 0;
}
