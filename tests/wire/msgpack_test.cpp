#include <doctest/doctest.h>

#include <msgpack.hpp>

#include "coterie/core/random.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

using namespace coterie;
using namespace coterie::wire;

namespace {
Bytes oracle(const auto& value) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, value);
  return to_bytes(view(std::string_view(buffer.data(), buffer.size())));
}
}  // namespace

TEST_CASE("msgpack: integers equal msgpack-c's bytes on both sides of every width") {
  for (const std::int64_t v :
       {INT64_C(0),      INT64_C(127),    INT64_C(128),         INT64_C(255),         INT64_C(256),
        INT64_C(65535),  INT64_C(65536),  INT64_C(4294967295),  INT64_C(4294967296),  INT64_MAX,
        INT64_C(-1),     INT64_C(-32),    INT64_C(-33),         INT64_C(-128),        INT64_C(-129),
        INT64_C(-32768), INT64_C(-32769), INT64_C(-2147483648), INT64_C(-2147483649), INT64_MIN}) {
    CAPTURE(v);
    Bytes out;
    MsgpackWriter(out).signed_integer(v);
    CHECK(out == oracle(v));
    MsgpackReader in(out);
    CHECK(in.signed_integer() == v);
    CHECK(in.ok());
    CHECK(in.at_end());
  }
}

TEST_CASE(
    "msgpack: strings, bins and containers equal msgpack-c's bytes on both sides of every width") {
  for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536}) {
    CAPTURE(size);
    const std::string text(size, 'x');
    Bytes out;
    MsgpackWriter(out).str(text);
    CHECK(out == oracle(text));
    MsgpackReader in(out);
    CHECK(in.text(size) == text);
    out.clear();
    MsgpackWriter(out).bin(view(text));
    CHECK(out == oracle(std::vector<char>(size, 'x')));
    if (size > 0) {
      MsgpackReader bounded(out);
      (void)bounded.bytes(size - 1);
      CHECK_FALSE(bounded.ok());
    }
  }
  for (const std::size_t size : {0, 15, 16, 65535, 65536}) {
    Bytes out;
    MsgpackWriter writer(out);
    writer.array(static_cast<std::uint32_t>(size));
    for (std::size_t i = 0; i < size; ++i) writer.nil();
    CHECK(out == oracle(std::vector<msgpack::type::nil_t>(size)));
    MsgpackReader in(out);
    in.skip();
    CHECK(in.ok());
    CHECK(in.at_end());
  }
}

TEST_CASE("msgpack: no input of random bytes makes the reader leave its input") {
  Random random(3);
  for (int round = 0; round < 20'000; ++round) {
    Bytes noise(random.below(std::uint64_t{40}));
    for (auto& b : noise) b = static_cast<std::uint8_t>(random.next());
    MsgpackReader in(noise);
    while (in.ok() && !in.at_end()) in.skip();
    CHECK(in.position() <= noise.size());
  }
}
