#include "coterie/wire/msgpack_reader.hpp"

#include <bit>

namespace coterie::wire {

std::uint8_t MsgpackReader::byte() {
  const auto one = take(1);
  return one.empty() ? std::uint8_t{0xc1} : one[0];
}

ByteView MsgpackReader::take(std::uint64_t size) {
  if (failed_) return {};
  if (size > input_.size() - at_) {
    failed_ = truncated_ = true;
    return {};
  }
  const auto taken = input_.subspan(at_, size);
  at_ += size;
  return taken;
}

template <class T>
T MsgpackReader::big_endian() {
  const auto bytes = take(sizeof(T));
  return bytes.empty() ? T{} : load_be<T>(bytes.data());
}

std::uint8_t MsgpackReader::peek() {
  return failed_ || at_end() ? std::uint8_t{0xc1} : input_[at_];
}

std::uint64_t MsgpackReader::unsigned_integer(std::uint64_t max) {
  const auto head = byte();
  std::uint64_t value = 0;
  std::int64_t negative = 0;
  if (head < 0x80) value = head;
  else if (head == 0xcc) value = big_endian<std::uint8_t>();
  else if (head == 0xcd) value = big_endian<std::uint16_t>();
  else if (head == 0xce) value = big_endian<std::uint32_t>();
  else if (head == 0xcf) value = big_endian<std::uint64_t>();
  else if (head == 0xd0) negative = static_cast<std::int8_t>(big_endian<std::uint8_t>());
  else if (head == 0xd1) negative = static_cast<std::int16_t>(big_endian<std::uint16_t>());
  else if (head == 0xd2) negative = static_cast<std::int32_t>(big_endian<std::uint32_t>());
  else if (head == 0xd3) negative = static_cast<std::int64_t>(big_endian<std::uint64_t>());
  else fail();
  if (head >= 0xd0 && head <= 0xd3) {
    if (negative < 0) fail();
    value = static_cast<std::uint64_t>(negative);
  }
  if (value > max) fail();
  return failed_ ? 0 : value;
}

std::int64_t MsgpackReader::signed_integer() {
  const auto head = peek();
  if (head >= 0xe0) return static_cast<std::int8_t>(byte());
  if (head < 0xd0 || head > 0xd3) return static_cast<std::int64_t>(unsigned_integer(INT64_MAX));
  (void)byte();
  if (head == 0xd0) return static_cast<std::int8_t>(big_endian<std::uint8_t>());
  if (head == 0xd1) return static_cast<std::int16_t>(big_endian<std::uint16_t>());
  if (head == 0xd2) return static_cast<std::int32_t>(big_endian<std::uint32_t>());
  return static_cast<std::int64_t>(big_endian<std::uint64_t>());
}

bool MsgpackReader::boolean() {
  const auto head = byte();
  if (head != 0xc2 && head != 0xc3) fail();
  return head == 0xc3;
}

double MsgpackReader::float64() {
  if (byte() != 0xcb) fail();
  return std::bit_cast<double>(big_endian<std::uint64_t>());
}

ByteView MsgpackReader::bytes(std::size_t max) {
  const auto head = byte();
  std::uint64_t size = 0;
  if (head == 0xc0) return {};
  if ((head & 0xe0) == 0xa0) size = head & 0x1f;
  else if (head == 0xd9 || head == 0xc4) size = big_endian<std::uint8_t>();
  else if (head == 0xda || head == 0xc5) size = big_endian<std::uint16_t>();
  else if (head == 0xdb || head == 0xc6) size = big_endian<std::uint32_t>();
  else fail();
  if (size > max) fail();
  return take(size);
}

std::uint32_t MsgpackReader::container(std::uint8_t fix, std::uint8_t wide16, std::uint32_t max) {
  const auto head = byte();
  std::uint32_t size = 0;
  if ((head & 0xf0) == fix) size = head & 0x0f;
  else if (head == wide16) size = big_endian<std::uint16_t>();
  else if (head == wide16 + 1) size = big_endian<std::uint32_t>();
  else fail();
  if (size > max) fail();
  return failed_ ? 0 : size;
}

std::uint32_t MsgpackReader::array(std::uint32_t max) { return container(0x90, 0xdc, max); }
std::uint32_t MsgpackReader::map(std::uint32_t max) { return container(0x80, 0xde, max); }

void MsgpackReader::skip(int depth) {
  if (depth == 0) return fail();
  const auto head = peek();
  const bool is_map = (head & 0xf0) == 0x80 || head == 0xde || head == 0xdf;
  const bool is_array = (head & 0xf0) == 0x90 || head == 0xdc || head == 0xdd;
  if (is_map || is_array) {
    std::uint64_t items = is_map ? std::uint64_t{map(UINT32_MAX)} * 2 : array(UINT32_MAX);
    while (items-- > 0 && ok()) skip(depth - 1);
    return;
  }
  (void)byte();
  if (head < 0x80 || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3) return;
  if ((head & 0xe0) == 0xa0) return void(take(head & 0x1f));
  switch (head) {
    case 0xc4:
    case 0xd9: return void(take(big_endian<std::uint8_t>()));
    case 0xc5:
    case 0xda: return void(take(big_endian<std::uint16_t>()));
    case 0xc6:
    case 0xdb: return void(take(big_endian<std::uint32_t>()));
    case 0xc7: return void(take(std::uint64_t{big_endian<std::uint8_t>()} + 1));
    case 0xc8: return void(take(std::uint64_t{big_endian<std::uint16_t>()} + 1));
    case 0xc9: return void(take(std::uint64_t{big_endian<std::uint32_t>()} + 1));
    case 0xcc:
    case 0xd0: return void(take(1));
    case 0xcd:
    case 0xd1: return void(take(2));
    case 0xca:
    case 0xce:
    case 0xd2: return void(take(4));
    case 0xcb:
    case 0xcf:
    case 0xd3: return void(take(8));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return void(take((std::uint64_t{1} << (head - 0xd4)) + 1));
    default: return fail();
  }
}

}  // namespace coterie::wire
