/// Prometheus text exposition, format 0.0.4. One family is written whole: help, type, samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/cluster/node_core.hpp"
#include "coterie/cluster/shard_core.hpp"
#include "coterie/storage/lmdb_journal.hpp"

namespace coterie {

/// What the data workers counted, copied on their own threads.
struct DataSnapshot {
  cluster::ShardCounters counters{};
  messaging::LinkCounters links{};
  std::size_t entities_known{};
  std::size_t entities_active{};
  std::size_t parked{};
};

[[nodiscard]] std::string exposition(const cluster::NodeCore& core,
                                     const std::vector<DataSnapshot>& data,
                                     const storage::StripeCounters& journal);

}  // namespace coterie
