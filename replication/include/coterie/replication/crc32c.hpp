/// CRC-32C (Castagnoli), the checksum of every journal record: LMDB has none. Thread-safety: pure
/// functions.
#pragma once

#include "coterie/core/bytes.hpp"

namespace coterie::replication {

/// By the processor's own instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes);
/// The same without special instructions.
[[nodiscard]] std::uint32_t crc32c_by_tables(ByteView bytes);

}  // namespace coterie::replication
