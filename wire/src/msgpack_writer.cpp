#include "coterie/wire/msgpack_writer.hpp"

#include <bit>

namespace coterie::wire {

void MsgpackWriter::unsigned_integer(std::uint64_t value) {
  if (value < 0x80) {
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value <= UINT8_MAX) {
    out_.push_back(0xcc);
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value <= UINT16_MAX) {
    out_.push_back(0xcd);
    append_be(out_, static_cast<std::uint16_t>(value));
  } else if (value <= UINT32_MAX) {
    out_.push_back(0xce);
    append_be(out_, static_cast<std::uint32_t>(value));
  } else {
    out_.push_back(0xcf);
    append_be(out_, value);
  }
}

void MsgpackWriter::signed_integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  if (value >= -32) {
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value >= INT8_MIN) {
    out_.push_back(0xd0);
    out_.push_back(static_cast<std::uint8_t>(value));
  } else if (value >= INT16_MIN) {
    out_.push_back(0xd1);
    append_be(out_, static_cast<std::uint16_t>(value));
  } else if (value >= INT32_MIN) {
    out_.push_back(0xd2);
    append_be(out_, static_cast<std::uint32_t>(value));
  } else {
    out_.push_back(0xd3);
    append_be(out_, static_cast<std::uint64_t>(value));
  }
}

void MsgpackWriter::float64(double value) {
  out_.push_back(0xcb);
  append_be(out_, std::bit_cast<std::uint64_t>(value));
}

void MsgpackWriter::raw(ByteView bytes) {
  if (bytes.size() < 32) {
    out_.push_back(static_cast<std::uint8_t>(0xa0 | bytes.size()));
  } else if (bytes.size() <= UINT16_MAX) {
    out_.push_back(0xda);
    append_be(out_, static_cast<std::uint16_t>(bytes.size()));
  } else {
    out_.push_back(0xdb);
    append_be(out_, static_cast<std::uint32_t>(bytes.size()));
  }
  append(out_, bytes);
}

void MsgpackWriter::str(std::string_view text) {
  if (text.size() < 32 || text.size() > UINT8_MAX) return raw(text);
  out_.push_back(0xd9);
  out_.push_back(static_cast<std::uint8_t>(text.size()));
  append(out_, view(text));
}

void MsgpackWriter::bin(ByteView bytes) {
  if (bytes.size() <= UINT8_MAX) {
    out_.push_back(0xc4);
    out_.push_back(static_cast<std::uint8_t>(bytes.size()));
  } else if (bytes.size() <= UINT16_MAX) {
    out_.push_back(0xc5);
    append_be(out_, static_cast<std::uint16_t>(bytes.size()));
  } else {
    out_.push_back(0xc6);
    append_be(out_, static_cast<std::uint32_t>(bytes.size()));
  }
  append(out_, bytes);
}

void MsgpackWriter::array(std::uint32_t size) {
  if (size < 16) {
    out_.push_back(static_cast<std::uint8_t>(0x90 | size));
  } else if (size <= UINT16_MAX) {
    out_.push_back(0xdc);
    append_be(out_, static_cast<std::uint16_t>(size));
  } else {
    out_.push_back(0xdd);
    append_be(out_, size);
  }
}

void MsgpackWriter::map(std::uint32_t size) {
  if (size < 16) {
    out_.push_back(static_cast<std::uint8_t>(0x80 | size));
  } else if (size <= UINT16_MAX) {
    out_.push_back(0xde);
    append_be(out_, static_cast<std::uint16_t>(size));
  } else {
    out_.push_back(0xdf);
    append_be(out_, size);
  }
}

}  // namespace coterie::wire
