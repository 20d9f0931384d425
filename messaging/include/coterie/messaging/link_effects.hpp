/// What the link core wants done. Rare ones only: messages go straight into a lane's staging
/// buffer, one Write a batch. Thread-safety: value types.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/log.hpp"

namespace coterie::messaging {

using LaneId = std::uint32_t;  ///< dense, stable for the process
inline constexpr LaneId no_lane = UINT32_MAX;

struct Connect {
  ConnId conn{};
  Address to{};
  friend bool operator==(const Connect&, const Connect&) = default;
};
struct Write {
  ConnId conn{};
  Bytes bytes{};
  friend bool operator==(const Write&, const Write&) = default;
};
/// Close after what was written has gone out.
struct Close {
  ConnId conn{};
  friend bool operator==(const Close&, const Close&) = default;
};
/// The dialler meant another worker of this node: give the socket and every byte read so far to it.
struct HandOff {
  ConnId conn{};
  std::uint16_t worker{};
  friend bool operator==(const HandOff&, const HandOff&) = default;
};
struct LaneUp {
  LaneId lane{};
  std::string peer{};
  std::uint16_t worker{};
  std::uint64_t features{};  ///< that both sides know
  friend bool operator==(const LaneUp&, const LaneUp&) = default;
};
struct LaneDown {
  LaneId lane{};
  friend bool operator==(const LaneDown&, const LaneDown&) = default;
};
/// The peer belongs to a cluster and we to none: adopt it durably, then dial again.
struct AdoptCluster {
  ClusterId cluster{};
  std::string peer{};
  friend bool operator==(const AdoptCluster&, const AdoptCluster&) = default;
};
struct Refused {
  std::string peer{};
  Errc code = Errc::unavailable;
  std::string detail{};
  friend bool operator==(const Refused&, const Refused&) = default;
};
using LinkEffect =
    std::variant<Connect, Write, Close, HandOff, LaneUp, LaneDown, AdoptCluster, Refused, LogEvent>;
using LinkEffects = std::vector<LinkEffect>;

}  // namespace coterie::messaging
