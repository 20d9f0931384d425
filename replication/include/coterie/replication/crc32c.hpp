/// CRC-32C (Castagnoli), the checksum of every journal record: LMDB has none. Thread-safety: a pure
/// function.
#pragma once

#include "coterie/core/bytes.hpp"

namespace coterie::replication {

[[nodiscard]] std::uint32_t crc32c(ByteView bytes);

}  // namespace coterie::replication
