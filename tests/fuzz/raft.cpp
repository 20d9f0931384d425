/// What members of a Raft group say, and a member that takes part in three roles.
#include "coterie/replication/raft/raft.hpp"

#include <cstddef>
#include <cstdint>

using namespace coterie;
using namespace coterie::replication::raft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)decode_configuration({data, size});
  auto message = decode_message({data, size});
  if (!message) return 0;
  const Instant now{1'000'000'000};
  const MemberId self{"a", 1};
  Stored stored{.hard = {.term = Term{1}}, .snapshot = {.index = Index{1}, .term = Term{1}}};
  stored.snapshot.configuration.voters = {self};
  for (const bool others : {false, true}) {
    if (others) stored.snapshot.configuration.voters.push_back({"b", 2});
    Raft raft({}, self, stored, Random(1), now);
    (void)raft.tick(now + 5s);
    if (!others) (void)raft.persisted(1, now + 5s);  // the only voter leads now
    message->to = self;
    (void)raft.receive(*message, now + 5s);
    (void)raft.receive(*message, now + 5s);
    (void)raft.tick(now + 20s);
  }
  return 0;
}
