/// A bounded msgpack reader over bytes that a peer controls. Failure is sticky: after the first
/// wrong byte every read answers zero and `ok()` is false, so a decoder reads straight on and
/// checks once. Nothing is allocated; strings are views into the input. str, bin and raw are one
/// family, and integers of any width and sign are accepted where the value fits (memberlist wire
/// protocol, section 3, "Accepted"). Thread-safety: one owner.
#pragma once

#include <string_view>

#include "coterie/core/bytes.hpp"

namespace coterie::wire {

/// Nesting that a skipped value may have; a hostile peer could otherwise exhaust the stack.
inline constexpr int max_msgpack_depth = 32;

class MsgpackReader {
 public:
  explicit MsgpackReader(ByteView input) : input_(input) {}

  [[nodiscard]] bool ok() const { return !failed_; }
  /// True if the failure was only that the input ended: more bytes may mend it.
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] ByteView rest() const { return input_.subspan(at_); }
  [[nodiscard]] bool at_end() const { return at_ == input_.size(); }

  [[nodiscard]] std::uint64_t unsigned_integer(std::uint64_t max = UINT64_MAX);
  [[nodiscard]] std::int64_t signed_integer();
  [[nodiscard]] bool boolean();
  [[nodiscard]] double float64();
  /// str, bin, raw; nil counts as empty. Longer than `max` bytes fails.
  [[nodiscard]] ByteView bytes(std::size_t max);
  [[nodiscard]] std::string_view text(std::size_t max) { return coterie::text(bytes(max)); }
  [[nodiscard]] std::uint32_t array(std::uint32_t max);
  [[nodiscard]] std::uint32_t map(std::uint32_t max);
  /// Skips one value of any type, ext included.
  void skip() { skip(max_msgpack_depth); }
  [[nodiscard]] std::uint8_t peek();

 private:
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] ByteView take(std::uint64_t size);
  template <class T>
  [[nodiscard]] T big_endian();
  [[nodiscard]] std::uint32_t container(std::uint8_t fix, std::uint8_t wide16, std::uint32_t max);
  void skip(int depth);
  void fail() { failed_ = true; }

  ByteView input_;
  std::size_t at_ = 0;
  bool failed_ = false;
  bool truncated_ = false;
};

}  // namespace coterie::wire
