#include "coterie/replication/crc32c.hpp"

#include <array>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace coterie::replication {
namespace {

/// Eight tables: slicing-by-8 (Kounavis and Berry 2005) reads eight bytes a step without special
/// instructions.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    auto crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78U : 0U);
    t[0][i] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}();

#ifdef __x86_64__
/// Eight bytes in three cycles, a fifth of what the tables take.
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_sse42(ByteView bytes) {
  std::uint64_t crc = ~0U;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8)
    crc = _mm_crc32_u64(crc, load_le<std::uint64_t>(bytes.data() + i));
  auto rest = static_cast<std::uint32_t>(crc);
  for (; i < bytes.size(); ++i) rest = _mm_crc32_u8(rest, bytes[i]);
  return ~rest;
}
const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace

std::uint32_t crc32c(ByteView bytes) {
#ifdef __x86_64__
  if (has_sse42) return crc32c_by_sse42(bytes);
#endif
  return crc32c_by_tables(bytes);
}

std::uint32_t crc32c_by_tables(ByteView bytes) {
  std::uint32_t crc = ~0U;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const auto word = load_le<std::uint64_t>(bytes.data() + i) ^ crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; i < bytes.size(); ++i) crc = (crc >> 8) ^ tables[0][(crc ^ bytes[i]) & 0xff];
  return ~crc;
}

}  // namespace coterie::replication
