/// What replicas of a shard say, and a replica that takes part as primary and as backup.
#include <cstddef>
#include <cstdint>

#include "coterie/replication/shard_log/codec.hpp"
#include "coterie/replication/shard_log/replica.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto decoded = decode_message({data, size});
  if (!decoded) return 0;
  auto& message = decoded->message;
  const Instant now{1'000'000'000};
  const Replica self{"a", 1};
  const Replica peer{"b", 2};
  message.to = self;
  message.from = peer;
  for (const bool leads : {false, true}) {
    ShardReplica replica({}, self, StartId{1}, {});
    (void)replica.assigned({.epoch = Epoch{1},
                            .primary = leads ? self : peer,
                            .start = StartId{1},
                            .in_sync = {self, peer},
                            .replicas = {self, peer}},
                           now);
    (void)replica.receive(message, now);
    (void)replica.receive(message, now + 50ms);
    (void)replica.tick(now + 2s);
  }
  return 0;
}
