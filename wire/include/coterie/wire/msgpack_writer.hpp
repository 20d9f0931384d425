/// A msgpack writer onto a byte string. Two families: `raw` is the old-spec dialect that memberlist
/// speaks (fixraw, raw16, raw32: never str8, bin or ext; memberlist wire protocol, section 3);
/// `str` and `bin` are today's msgpack, for our own bodies. Integers take the smallest unsigned
/// form. Thread-safety: one owner.
#pragma once

#include <string_view>

#include "coterie/core/bytes.hpp"

namespace coterie::wire {

class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void nil() { out_.push_back(0xc0); }
  void boolean(bool value) { out_.push_back(value ? 0xc3 : 0xc2); }
  void unsigned_integer(std::uint64_t value);
  void signed_integer(std::int64_t value);
  void float64(double value);
  void raw(ByteView bytes);
  void raw(std::string_view text) { raw(view(text)); }
  void str(std::string_view text);
  void bin(ByteView bytes);
  void array(std::uint32_t size);
  void map(std::uint32_t size);

 private:
  Bytes& out_;
};

}  // namespace coterie::wire
