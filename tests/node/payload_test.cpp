#include <doctest/doctest.h>

#include "coterie/msgpack.hpp"

using namespace coterie;

namespace {

struct Numbers {
  std::vector<std::int64_t> all;
  MSGPACK_DEFINE(all)
};
struct Lists {
  std::vector<std::vector<std::string>> all;
  MSGPACK_DEFINE(all)
};

template <class T>
T back(const T& value) {
  Bytes bytes;
  Codec<T>::encode(value, bytes);
  T out;
  REQUIRE(Codec<T>::decode(bytes, out));
  return out;
}

}  // namespace

TEST_CASE("payload: as many objects as need no memory, one more, and many come back") {
  // The list itself is one of them.
  for (const std::size_t size : {0UL, 1UL, payload::inline_objects - 1, payload::inline_objects,
                                 payload::inline_objects + 1, 10'000UL}) {
    Numbers numbers;
    for (std::size_t i = 0; i < size; ++i) numbers.all.push_back(-static_cast<std::int64_t>(i));
    CHECK(back(numbers).all == numbers.all);
  }
  Lists lists;
  for (std::size_t i = 0; i < 40; ++i)
    lists.all.push_back(std::vector<std::string>(i, "text " + std::to_string(i)));
  CHECK(back(lists).all == lists.all);
}

TEST_CASE("payload: a buffer that has room is not allocated anew, one without grows by doubling") {
  const Numbers numbers{{1, 2, 3}};
  Bytes bytes;
  Codec<Numbers>::encode(numbers, bytes);
  CHECK(bytes.capacity() == bytes.size());
  std::size_t allocations = 0;
  for (std::size_t i = 0, last = 0; i < 10'000; ++i) {
    Codec<Numbers>::encode(numbers, bytes);
    allocations += bytes.capacity() != last ? 1 : 0;
    last = bytes.capacity();
  }
  CHECK(allocations < 20);
}

TEST_CASE("payload: an array that claims more than there are bytes is none, at every depth") {
  Numbers numbers;
  CHECK_FALSE(Codec<Numbers>::decode(Bytes{0x91, 0xdd, 0x00, 0x00, 0xff, 0xff, 0x01}, numbers));
  CHECK_FALSE(Codec<Numbers>::decode(Bytes{0xdd, 0xff, 0xff, 0xff, 0xff}, numbers));
  Bytes deep{0x91};
  for (int i = 0; i < 10'000; ++i) append(deep, ByteView(Bytes{0xdc, 0x00, 0xff}));
  CHECK_FALSE(Codec<Numbers>::decode(deep, numbers));
  // As many objects as the bound allows in all, and one more.
  const auto many = [](std::size_t count) {
    Bytes bytes{0x91, 0xdd};
    append_be(bytes, static_cast<std::uint32_t>(count));
    bytes.resize(bytes.size() + count, 0x07);
    return bytes;
  };
  CHECK(Codec<Numbers>::decode(many(payload::max_objects - 1), numbers));
  CHECK(numbers.all.size() == payload::max_objects - 1);
  CHECK_FALSE(Codec<Numbers>::decode(many(payload::max_objects), numbers));
}
