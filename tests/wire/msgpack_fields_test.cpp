#include "coterie/wire/msgpack_fields.hpp"

#include <doctest/doctest.h>

#include "coterie/core/ids.hpp"

using namespace coterie;
using namespace coterie::wire;

namespace {

enum class Colour : std::uint8_t { red, green };

struct Inner {
  std::optional<Error> error{};
  std::vector<std::pair<ShardId, Epoch>> led{};
  friend bool operator==(const Inner&, const Inner&) = default;
};
struct Outer {
  bool flag{};
  std::int64_t number{};
  double ratio{};
  std::string text{};
  Bytes bytes{};
  Colour colour{};
  Duration span{};
  std::array<std::uint8_t, 4> ip{};
  std::variant<Inner, std::string> either{};
  std::map<std::string, std::uint32_t> counts{};
  friend bool operator==(const Outer&, const Outer&) = default;
};

}  // namespace

TEST_CASE("fields: whatever was written is read back equal") {
  const Outer value{true,
                    -5,
                    0.5,
                    "a",
                    {1, 2},
                    Colour::green,
                    3s,
                    {10, 0, 0, 1},
                    Inner{error(Errc::busy, "full", 10ms), {{ShardId{1}, Epoch{2}}}},
                    {{"x", 1}, {"y", 2}}};
  Bytes out;
  MsgpackWriter writer(out);
  write_value(writer, value);
  MsgpackReader reader(out);
  Outer back;
  read_value(reader, back);
  CHECK(reader.ok());
  CHECK(reader.at_end());
  CHECK(back == value);
}

TEST_CASE("fields: a shared snapshot is written by value, an absent one stays absent") {
  const std::pair<std::shared_ptr<const Inner>, std::shared_ptr<const Inner>> value{
      std::make_shared<Inner>(Inner{{}, {{ShardId{7}, Epoch{1}}}}), nullptr};
  Bytes out;
  MsgpackWriter writer(out);
  write_value(writer, value);
  MsgpackReader reader(out);
  std::pair<std::shared_ptr<const Inner>, std::shared_ptr<const Inner>> back;
  read_value(reader, back);
  REQUIRE(reader.ok());
  REQUIRE(back.first != nullptr);
  CHECK(*back.first == *value.first);
  CHECK(back.second == nullptr);
}

TEST_CASE("fields: cut input is not ok, and an unknown alternative is refused") {
  Bytes out;
  MsgpackWriter writer(out);
  write_value(writer, Outer{.text = "abc", .either = std::string("x")});
  for (std::size_t size = 0; size < out.size(); ++size) {
    MsgpackReader reader(ByteView(out).first(size));
    Outer back;
    read_value(reader, back);
    CHECK_FALSE(reader.ok());
  }
  Bytes wrong;
  MsgpackWriter(wrong).unsigned_integer(2);
  MsgpackReader reader(wrong);
  std::variant<std::uint8_t, bool> either;
  read_value(reader, either);
  CHECK_FALSE(reader.ok());
}
