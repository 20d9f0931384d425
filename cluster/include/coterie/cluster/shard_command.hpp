/// A command on its way through a worker, what it waits in, and which way it goes. Thread-safety:
/// values.
#pragma once

#include <deque>
#include <string_view>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"
#include "coterie/messaging/link_effects.hpp"

namespace coterie::cluster {

/// Who asked is on this node.
inline constexpr messaging::LaneId local_lane = messaging::no_lane;

struct ReplyTo {
  messaging::LaneId lane = local_lane;
  SessionId session{};
  std::uint64_t sequence{};
  bool wanted = true;
  std::uint32_t life{};  ///< of the lane's connection through which it came
};

struct ShardCommand {
  ReplyTo to{};
  EntityTypeId type{};
  std::uint8_t tag{};
  CommandId id{};
  Instant deadline = never;
  Epoch epoch{};
  std::uint64_t hash{};
  std::string_view entity{};
  ByteView payload{};
  bool relayed = false;     ///< the shard's last primary sent it on
  bool waits = false;       ///< for credit
  bool fence = false;       ///< no command: `entity` is who raised it, to.sequence its number
  bool known_only = false;  ///< answered if it had its effect before, and not decided now
  std::uint64_t order{};    ///< of this worker's own askers: who asked first goes first
};

struct ParkedCommand {
  ShardCommand command{};  ///< its views point into `bytes`
  Bytes bytes{};
};
using ParkedCommands = std::deque<ParkedCommand>;

enum class RouteKind : std::uint8_t { unknown, local, remote, absent };
struct Route {
  RouteKind kind = RouteKind::unknown;
  messaging::LaneId lane = messaging::no_lane;
  Epoch epoch{};
  bool used = false;           ///< commands went that way
  Instant away_since = never;  ///< a command found nobody there
};

/// The commands of a shard wait, in their order: for what went to its last primary to arrive at the
/// next one (shard_fence.cpp), or for somebody to lead it (shard_resend.cpp).
struct Fence {
  std::uint64_t number{};
  messaging::LaneId through = messaging::no_lane;  ///< no_lane: for somebody to lead it
  Instant until = never;
  ParkedCommands held{};
  bool in_order = true;  ///< else they are sorted before they go
};

}  // namespace coterie::cluster
