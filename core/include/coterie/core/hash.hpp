/// A rolling 64-bit trace hash (FNV-1a over words), for "the same inputs gave the same effects".
/// Not for tables, not for disks: those use XXH3 and CRC32C. Thread-safety: a value; one owner.
#pragma once

#include <cstdint>
#include <string_view>

#include "coterie/core/bytes.hpp"

namespace coterie {

class TraceHash {
 public:
  void add(std::uint64_t word) { state_ = (state_ ^ word) * 0x100000001b3ULL ^ (state_ >> 29); }
  void add(ByteView bytes) {
    add(bytes.size());
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) add(load_le<std::uint64_t>(bytes.data() + i));
    std::uint64_t tail = 0;
    for (; i < bytes.size(); ++i) tail = tail << 8 | bytes[i];
    add(tail);
  }
  void add(std::string_view text) { add(view(text)); }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace coterie
