/// Several messages in one datagram: `07 | count:u8 | count x length:u16 | bodies`, big-endian.
/// Source: memberlist wire protocol, section 5. Thread-safety: free functions.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "coterie/core/bytes.hpp"

namespace coterie::wire {

inline constexpr std::size_t max_compound_parts = 255;    ///< the count is one byte
inline constexpr std::size_t compound_overhead = 2;       ///< type byte and count
inline constexpr std::size_t compound_part_overhead = 2;  ///< one length
inline constexpr int max_message_nesting =
    2;  ///< our own limit: compound within compound, no deeper

struct CompoundParts {
  std::vector<ByteView> parts{};
  std::size_t truncated{};  ///< parts announced but not there
};

/// One message is sent bare, several as one compound. 1..255 messages of at most 65,535 bytes.
[[nodiscard]] Bytes pack(std::span<const Bytes> messages);
/// `body` starts after the type byte; nullopt if even the lengths are not there.
[[nodiscard]] std::optional<CompoundParts> unpack_compound(ByteView body);

}  // namespace coterie::wire
