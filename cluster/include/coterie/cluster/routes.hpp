/// What worker 0 tells the data workers: who is there and who owns what. An immutable snapshot,
/// shared by pointer. Thread-safety: immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/replication/copy_id.hpp"
#include "coterie/sharding/shard_table.hpp"

namespace coterie::cluster {

struct Peer {
  std::string name{};
  Address link{};
  std::uint16_t data_workers{};
  StartId start{};       ///< its life
  bool present = false;  ///< alive or suspect
  std::uint64_t disk{};  ///< that this life has: lives are counted for each data directory
  bool slow = false;     ///< its disk does little or nothing
  friend bool operator==(const Peer&, const Peer&) = default;
};

/// It is there, with that very directory: a life that we know of an earlier one may not lead by it.
[[nodiscard]] inline bool has_copy(const Peer& peer, const replication::raft::MemberId& copy) {
  return peer.present && peer.name == copy.node &&
         replication::same_directory(peer.disk, copy.disk);
}

struct Routes {
  ClusterId cluster{};
  sharding::ShardTable table{};
  std::vector<Peer> peers{};  ///< every other Coterie node, sorted by name
  bool opens = true;          ///< this node's disk is known to be the newest copy of itself
  friend bool operator==(const Routes&, const Routes&) = default;
};
using RoutesPtr = std::shared_ptr<const Routes>;

/// Which worker of a node owns a shard. Worker 0 is the control plane; workers 1..n own disjoint
/// shards. Workers are not threads: a node with one thread runs workers 0 and 1 on it.
[[nodiscard]] constexpr std::uint16_t worker_of(ShardId shard, std::uint16_t data_workers) {
  return static_cast<std::uint16_t>(1 + shard.value % (data_workers == 0 ? 1 : data_workers));
}

}  // namespace coterie::cluster
