/// A record of the journal, as a damaged disk would give it, and a checkpoint in one.
#include "coterie/replication/record.hpp"

#include <cstddef>
#include <cstdint>

#include "coterie/replication/checkpoint.hpp"

using namespace coterie;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)replication::read_record(ByteView(data, size));
  (void)replication::decode_checkpoint(ByteView(data, size));
  return 0;
}
