/// Byte strings and fixed-width integers on them. Everything of ours is little-endian; the
/// memberlist dialect is big-endian. Thread-safety: free functions on values.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace coterie {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

static_assert(std::endian::native == std::endian::little,
              "the fixed layouts below assume a little-endian host");

/// Reads a little-endian integer; the caller has checked that sizeof(T) bytes are there.
template <std::unsigned_integral T>
[[nodiscard]] T load_le(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <std::unsigned_integral T>
void store_le(std::uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
void append_le(Bytes& out, T value) {
  const auto at = out.size();
  out.resize(at + sizeof value);
  store_le(out.data() + at, value);
}

template <std::unsigned_integral T>
[[nodiscard]] T load_be(const std::uint8_t* from) {
  T value{};
  for (std::size_t i = 0; i < sizeof value; ++i) value = static_cast<T>((value << 8) | from[i]);
  return value;
}

template <std::unsigned_integral T>
void append_be(Bytes& out, T value) {
  for (std::size_t i = sizeof value; i-- > 0;)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline void append(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

[[nodiscard]] inline ByteView view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes to_bytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
[[nodiscard]] inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace coterie
