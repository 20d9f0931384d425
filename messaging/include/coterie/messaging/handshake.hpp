/// The first frames of a lane: who speaks, in which version, for which cluster. docs/WIRE.md,
/// "Handshake". Thread-safety: value types.
#pragma once

#include <optional>
#include <string>

#include "coterie/core/bytes.hpp"
#include "coterie/core/error.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::messaging {

inline constexpr std::uint16_t protocol_version = 1;
/// A hello is small; a stranger who sends more before it is known is cut off.
inline constexpr std::size_t max_handshake_bytes = 2048;

struct Hello {
  std::uint16_t version_min = protocol_version;
  std::uint16_t version_max = protocol_version;
  std::uint64_t features{};  ///< bits both sides must know before use
  ClusterId cluster{};       ///< unset: adopts the other's
  std::string node{};
  StartId start{};
  std::uint16_t from_worker{};
  std::uint16_t to_worker{};
  SessionId session{};
  std::uint64_t entity_types{};  ///< digest; 0 = none registered
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct Refuse {
  Errc code = Errc::unavailable;
  std::string detail{};
  friend bool operator==(const Refuse&, const Refuse&) = default;
};

/// A welcome has the same fields as a hello, from the other side.
[[nodiscard]] Bytes encode(const Hello& hello);
[[nodiscard]] std::optional<Hello> decode_hello(ByteView body);
[[nodiscard]] Bytes encode(const Refuse& refuse);
[[nodiscard]] std::optional<Refuse> decode_refuse(ByteView body);

}  // namespace coterie::messaging
