/// LZW as memberlist uses it (Go's compress/lzw, least significant bit first, literals of 8 bits):
/// clear 256, end 257, codes of 9 to 12 bits, a clear code first. Byte for byte what Go writes.
/// Source: memberlist wire protocol, section 6; T. Welch 1984. Thread-safety: pure functions.
#pragma once

#include <optional>

#include "coterie/core/bytes.hpp"

namespace coterie::wire {

[[nodiscard]] Bytes lzw_compress(ByteView input);
/// nullopt: a code that cannot be, no end code, or more than `max` bytes.
[[nodiscard]] std::optional<Bytes> lzw_decompress(ByteView input, std::size_t max);

}  // namespace coterie::wire
