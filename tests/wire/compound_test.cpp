#include "coterie/wire/compound.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;

TEST_CASE("compound: one message travels bare, several as one compound that splits again") {
  const std::vector<Bytes> one{{1, 2}};
  CHECK(pack(one) == one.front());
  const std::vector<Bytes> several{{1, 2}, {}, {3}};
  const auto packed = pack(several);
  CHECK(testing::to_hex(packed) == "0703000200000001010203");
  const auto parts = unpack_compound(ByteView(packed).subspan(1));
  REQUIRE(parts.has_value());
  REQUIRE(parts->parts.size() == 3);
  CHECK(equal(parts->parts[2], Bytes{3}));
  CHECK(parts->truncated == 0);
}

TEST_CASE("compound: parts that were cut off are counted, the whole ones are kept") {
  const auto packed = pack(std::vector<Bytes>{{1, 2}, {3, 4}, {5}});
  const auto parts = unpack_compound(ByteView(packed).subspan(1, packed.size() - 3));
  REQUIRE(parts.has_value());
  CHECK(parts->parts.size() == 1);
  CHECK(parts->truncated == 2);
  CHECK_FALSE(unpack_compound(testing::from_hex("05000100")).has_value());
  CHECK_FALSE(unpack_compound({}).has_value());
}
