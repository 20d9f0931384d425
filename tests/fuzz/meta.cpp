/// A member's metadata, addresses and keys as text.
#include <cstddef>
#include <cstdint>

#include "coterie/core/address.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/wire/keyring.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  (void)membership::decode_node_meta(bytes);
  (void)parse_address(text(bytes));
  (void)parse_cluster_id(text(bytes));
  (void)wire::key_from_base64(text(bytes));
  return 0;
}
