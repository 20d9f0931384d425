/// What replicas of a shard say, and a replica that takes part as primary and as backup.
#include <cstddef>
#include <cstdint>

#include "coterie/replication/shard_log/codec.hpp"
#include "coterie/replication/shard_log/replica.hpp"

using namespace coterie;
using namespace coterie::replication::shard_log;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BatchReader batch({data, size});
  const Instant now{1'000'000'000};
  const Replica self{"a", 1};
  const Replica peer{"b", 2};
  ShardReplica primary({}, self, StartId{1}, {});
  ShardReplica backup({}, self, StartId{1}, {});
  for (auto* const replica : {&primary, &backup})
    (void)replica->assigned({.epoch = Epoch{1},
                             .primary = replica == &primary ? self : peer,
                             .start = StartId{1},
                             .in_sync = {self, peer},
                             .replicas = {self, peer}},
                            now);
  while (const auto* const said = batch.next()) {
    auto message = said->message;
    message.to = self;
    message.from = peer;
    for (auto* const replica : {&primary, &backup}) {
      (void)replica->receive(message, now);
      (void)replica->receive(message, now + 50ms);
    }
  }
  for (auto* const replica : {&primary, &backup}) (void)replica->tick(now + 2s);
  return 0;
}
