/// Where a ShardCore writes its effects. A reference to an interface, not a returned vector: at 4.1
/// ns an effect against 20 for a vector per call (docs/adr/0002-sink.md says why not a template).
/// The simulator and the tests implement it with a recording sink. Thread-safety: called on the
/// core's own thread.
#pragma once

#include <string>

#include "coterie/messaging/link_effects.hpp"
#include "coterie/replication/journal.hpp"
#include "coterie/replication/register.hpp"

namespace coterie::cluster {

/// The answer to a local ask. Views are valid during the call.
struct Completion {
  std::uint64_t token{};
  std::uint8_t status{};  ///< 0 = ok, else an Errc
  Epoch epoch{};
  Sequence sequence{};
  std::uint32_t retry_after_ms{};
  ByteView payload{};  ///< the value, or the error's detail
};

/// Of a shard that this node has a copy of. A backup follows its primary's log.
enum class ShardPhase : std::uint8_t {
  idle,
  recovering,
  barrier,
  serving,
  failed,
  backup,
  handing_over  ///< commands wait for its next primary
};

/// A hosted shard changed its phase.
struct ShardStatus {
  ShardId shard{};
  Epoch epoch{};
  ShardPhase phase = ShardPhase::idle;
  std::string detail{};
  std::uint64_t lag{};  ///< of a primary: entries that the copy furthest behind lacks
  bool stalls{};        ///< for lag_interval this node's disk did nothing for it
  bool disk_failed{};   ///< and never will in this life of the node
  friend bool operator==(const ShardStatus&, const ShardStatus&) = default;
};

class ShardSink {
 public:
  virtual ~ShardSink() = default;
  virtual void append(replication::AppendRequest&& request) = 0;
  virtual void reset(ShardId shard) = 0;
  virtual void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) = 0;
  virtual void recover(std::uint64_t token, std::vector<ShardId> shards) = 0;
  virtual void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) = 0;
  /// To the registers, by worker 0. Again until a later epoch is seen: it may get lost.
  virtual void propose(replication::Swap&& swap) = 0;
  virtual void complete(const Completion& completion) = 0;
  virtual void link(messaging::LinkEffect&& effect) = 0;
  virtual void report(const ShardStatus& status) = 0;
  virtual void log(LogEvent event) = 0;
};

}  // namespace coterie::cluster
