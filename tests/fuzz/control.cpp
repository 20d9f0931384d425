/// Bodies of control frames: registers, swaps, results, the shard table, credits.
#include <cstddef>
#include <cstdint>

#include "coterie/messaging/credits.hpp"
#include "coterie/replication/register.hpp"
#include "coterie/sharding/shard_table.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  std::uint64_t token = 0;
  std::vector<replication::Swap> swaps;
  (void)replication::decode_swaps(bytes, token, swaps);
  std::vector<replication::SwapResult> results;
  (void)replication::decode_results(bytes, token, results);
  (void)replication::decode_register(bytes);
  (void)sharding::decode_shard_table(bytes);
  if (const auto grants = messaging::decode_grants(bytes)) {
    messaging::CreditWindow window;
    window.sent(0, 1, Instant{1});
    for (const auto& grant : *grants) (void)window.granted(grant);
  }
  return 0;
}
