/// What the replicas of this node say to those of others, until the end of a batch of inputs: each
/// pair of names and each lane gets one frame, because the shards of a pair speak at the same
/// moments. Thread-safety: a value.
#pragma once

#include <vector>

#include "coterie/messaging/links.hpp"
#include "coterie/replication/shard_log/codec.hpp"

namespace coterie::cluster {

class ShardOutbox {
 public:
  void add(messaging::LaneId lane, ShardId shard, const replication::shard_log::Message& message,
           messaging::Links& links);
  /// What finds no room, or no lane any more, is lost: all of it is said again.
  void flush(messaging::Links& links);

 private:
  struct Batch {
    messaging::LaneId lane{};
    replication::shard_log::Replica from{}, to{};
    replication::shard_log::BatchWriter body;
  };
  static void stage(const Batch& batch, messaging::Links& links);

  std::vector<Batch> batches_{};  ///< one for each lane and pair of names
};

}  // namespace coterie::cluster
