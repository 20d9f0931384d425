#include <doctest/doctest.h>

#include <array>

#include "coterie/core/address.hpp"
#include "coterie/core/deadlines.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/random.hpp"
#include "coterie/core/result.hpp"
#include "coterie/core/watched_array.hpp"

using namespace coterie;

TEST_CASE("address: what parses prints as it was written") {
  for (const auto* text : {"127.0.0.1:7946", "[::1]:80", "0.0.0.0:0", "255.255.255.255:65535"}) {
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE(address.has_value());
    CHECK(to_string(*address) == text);
  }
  CHECK(to_string(parse_address("localhost:1").value()) == "127.0.0.1:1");
}

TEST_CASE("address: a bad address is refused with a remedy") {
  for (const auto* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                           "example.org:1", "::1:80", "127.0.0.1:80x", "[::1:80"}) {
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE(!address.has_value());
    CHECK(address.error().detail.find("HOST:PORT") != std::string::npos);
  }
}

TEST_CASE("cluster id: text of 32 hexadecimal digits round-trips and nothing else parses") {
  const ClusterId id{0x0123456789abcdefULL, 42};
  CHECK(to_string(id) == "0123456789abcdef000000000000002a");
  CHECK(parse_cluster_id(to_string(id)) == id);
  CHECK_FALSE(parse_cluster_id("0123456789abcdef000000000000002").has_value());
  CHECK_FALSE(parse_cluster_id("0123456789abcdef00000000000000zz").has_value());
}

TEST_CASE("random: one seed gives one stream, known for ever") {
  Random random(42);
  CHECK(random.next() == 1546998764402558742ULL);
  CHECK(random.next() == 6990951692964543102ULL);
  Random a(7), b(7);
  for (int i = 0; i < 100; ++i) CHECK(a.next() == b.next());
}

TEST_CASE("random: below() stays below its bound and reaches both ends") {
  Random random(1);
  std::array<int, 3> seen{};
  for (int i = 0; i < 300; ++i) ++seen.at(random.below(std::uint64_t{3}));
  for (const auto count : seen) CHECK(count > 50);
}

TEST_CASE("result: holds a value or an error, and says which") {
  const Result<int> good = 5;
  const Result<int> bad = error(Errc::busy, "queue full", 10ms);
  CHECK(good.value() == 5);
  CHECK(bad.error().is(Errc::busy));
  CHECK(bad.value_or(7) == 7);
  CHECK(to_string(bad.error()) == "queue full (busy)");
}

TEST_CASE("deadlines: the earliest is known after each change, of one and of all") {
  coterie::Deadlines<40> deadlines;
  CHECK(deadlines.earliest() == coterie::never);
  const auto at = [](std::int64_t n) { return coterie::Instant{n}; };
  deadlines.set(39, at(7));
  CHECK(deadlines.earliest() == at(7));
  deadlines.set(0, at(9));
  deadlines.set(17, at(5));
  CHECK(deadlines.earliest() == at(5));
  CHECK(deadlines[17] == at(5));
  deadlines.set(17, coterie::never);
  CHECK(deadlines.earliest() == at(7));
  deadlines.set(39, at(11));
  CHECK(deadlines.earliest() == at(9));
}

TEST_CASE("a watched array shows what was touched since it was last looked at, each once") {
  coterie::WatchedArray<int, 4> array;
  const auto looked = [&] {
    std::vector<std::size_t> out;
    array.look([&](std::size_t i, const int&) { out.push_back(i); });
    return out;
  };
  CHECK(looked().empty());
  array[2] = 7;
  array[0] = 1;
  array[2] = 8;
  CHECK(looked() == std::vector<std::size_t>{2, 0});
  CHECK(looked().empty());
  CHECK(std::as_const(array)[2] == 8);
  CHECK(looked().empty());  // who only reads changes nothing
}
