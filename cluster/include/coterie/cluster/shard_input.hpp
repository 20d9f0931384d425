/// What reaches a ShardCore, as values: so that a run can be recorded and fed again. `feed` is
/// overloaded, not virtual and not a variant, because production takes it for every command. Views
/// are valid during the call. Thread-safety: value types.
#pragma once

#include <variant>

#include "coterie/cluster/shard_core.hpp"

namespace coterie::cluster {

namespace shard_input {
struct Ask {
  LocalAsk ask{};
};
struct NewRoutes {
  RoutesPtr routes{};
};
struct FromJournal {
  replication::JournalEvent event{};
};
struct LaneAccepted {
  ConnId id{};
};
struct LaneConnected {
  ConnId id{};
};
struct LaneReceived {
  ConnId id{};
  ByteView bytes{};
};
struct LaneWritten {
  ConnId id{};
};
struct LaneClosed {
  ConnId id{};
};
struct Flush {};
struct Drain {};
struct Tick {};
struct WallClock {
  std::int64_t offset_ms{};
};
}  // namespace shard_input

using ShardInput =
    std::variant<shard_input::Ask, shard_input::NewRoutes, shard_input::FromJournal,
                 shard_input::LaneAccepted, shard_input::LaneConnected, shard_input::LaneReceived,
                 shard_input::LaneWritten, shard_input::LaneClosed, shard_input::Flush,
                 shard_input::Drain, shard_input::Tick, shard_input::WallClock>;

/// Each answers how many bytes were consumed, which counts for LaneReceived alone.
inline std::size_t feed(ShardCore& core, shard_input::Ask&& i, Instant now, ShardSink& out) {
  return core.ask(i.ask, now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::NewRoutes&& i, Instant now, ShardSink& out) {
  return core.routes(std::move(i.routes), now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::FromJournal&& i, Instant now,
                        ShardSink& out) {
  return core.journal(std::move(i.event), now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::LaneAccepted&& i, Instant now,
                        ShardSink& out) {
  return core.accepted(i.id, now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::LaneConnected&& i, Instant, ShardSink& out) {
  return core.connected(i.id, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::LaneReceived&& i, Instant now,
                        ShardSink& out) {
  return core.received(i.id, i.bytes, now, out);
}
inline std::size_t feed(ShardCore& core, shard_input::LaneWritten&& i, Instant, ShardSink&) {
  return core.written(i.id), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::LaneClosed&& i, Instant now, ShardSink& out) {
  return core.closed(i.id, now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::Flush&&, Instant now, ShardSink& out) {
  return core.flush(now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::Drain&&, Instant, ShardSink&) {
  return core.drain(), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::Tick&&, Instant now, ShardSink& out) {
  return core.tick(now, out), 0;
}
inline std::size_t feed(ShardCore& core, shard_input::WallClock&& i, Instant, ShardSink&) {
  return core.wall_clock(i.offset_ms), 0;
}

}  // namespace coterie::cluster
