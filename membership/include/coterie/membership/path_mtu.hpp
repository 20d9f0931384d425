/// How large a datagram may be on the way to a peer. Begins with the configured size and goes down
/// a step when the kernel refuses one as too large, or when two probes in a row got lost that were
/// large, although their target lives: a path that swallows large packets. After a while the larger
/// size is tried again. After RFC 8899 (datagram packetization layer path MTU discovery), without
/// probing upwards: 1,400 bytes pass nearly everywhere and hold what gossip has to say.
/// Thread-safety: a value; one owner.
#pragma once

#include <cstdint>
#include <map>

#include "coterie/core/address.hpp"
#include "coterie/core/time.hpp"

namespace coterie::membership {

/// Below every path in use: IPv6 promises 1,280 with its headers.
inline constexpr std::size_t smallest_datagram = 1200;
inline constexpr std::size_t usual_datagram = 1400;
inline constexpr std::uint32_t losses_to_narrow = 2;
inline constexpr Duration narrow_for = 10min;
/// Narrow paths that are remembered; the one that ends first makes place.
inline constexpr std::size_t max_narrow_paths = 4096;

class PathMtu {
 public:
  explicit PathMtu(std::size_t configured) : configured_(configured) {}

  /// Bytes of one datagram to `peer`.
  [[nodiscard]] std::size_t bytes(const Address& peer, Instant now) const;
  /// The kernel refused a datagram to `peer` as too large.
  void refused(const Address& peer, Instant now);
  /// A datagram of `size` reached a living peer, or did not.
  void arrived(const Address& peer, std::size_t size);
  void lost(const Address& peer, std::size_t size, Instant now);

 private:
  struct Path {
    std::size_t bytes{};
    std::uint32_t losses = 0;
    Instant until{};
  };
  Path& path(const Address& peer, Instant now);
  void narrow(Path& path, Instant now);

  std::size_t configured_;
  std::map<Address, Path> paths_{};  ///< only those with something to say
};

}  // namespace coterie::membership
