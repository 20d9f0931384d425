/// Serf's messages, and query filters against a member's tags.
#include "coterie/membership/serf.hpp"

#include <cstddef>
#include <cstdint>

#include "coterie/membership/tag_filter.hpp"
#include "coterie/wire/serf_messages.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  (void)wire::decode_serf_event(bytes);
  if (const auto query = wire::decode_serf_query(bytes))
    (void)membership::meant_for(query->filters, "n", Bytes{255, 0x80});
  (void)membership::meant_for({to_bytes(bytes)}, "n",
                              membership::SerfLayer::encode_tags({{"role", "web"}}));
  (void)wire::decode_serf_answer(bytes);
  (void)wire::decode_serf_relay(bytes);
  (void)wire::decode_serf_state(bytes);
  (void)wire::decode_key_request(bytes);
  (void)wire::decode_key_answer(bytes);
  (void)membership::SerfLayer::decode_tags(bytes);
  return 0;
}
