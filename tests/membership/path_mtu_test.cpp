#include "coterie/membership/path_mtu.hpp"

#include <doctest/doctest.h>

#include "ground.hpp"

using namespace coterie;
using namespace coterie::membership;

TEST_CASE("path mtu: what the kernel refuses narrows that path alone, step by step, for a while") {
  PathMtu paths(8900);
  CHECK(paths.bytes(at(1), start) == 8900);
  paths.refused(at(1), start);
  CHECK(paths.bytes(at(1), start) == usual_datagram);
  paths.refused(at(1), start);
  CHECK(paths.bytes(at(1), start) == smallest_datagram);
  paths.refused(at(1), start);
  CHECK(paths.bytes(at(1), start) == smallest_datagram);
  CHECK(paths.bytes(at(2), start) == 8900);
  CHECK(paths.bytes(at(1), start + narrow_for - 1ns) == smallest_datagram);
  CHECK(paths.bytes(at(1), start + narrow_for) == 8900);
}

TEST_CASE("path mtu: two large datagrams in a row that got lost narrow a path, small ones do not") {
  PathMtu paths(usual_datagram);
  paths.lost(at(1), smallest_datagram, start);
  paths.lost(at(1), smallest_datagram, start);
  paths.lost(at(1), smallest_datagram + 1, start);
  CHECK(paths.bytes(at(1), start) == usual_datagram);
  paths.arrived(at(1), smallest_datagram + 1);  // in a row
  paths.lost(at(1), smallest_datagram + 1, start);
  CHECK(paths.bytes(at(1), start) == usual_datagram);
  paths.lost(at(1), smallest_datagram + 1, start);
  CHECK(paths.bytes(at(1), start) == smallest_datagram);
}

TEST_CASE("path mtu: it remembers no more paths than its bound, and never widens what is small") {
  PathMtu paths(600);
  paths.refused(at(1), start);
  CHECK(paths.bytes(at(1), start) == 600);
  PathMtu many(usual_datagram);
  for (std::size_t i = 0; i <= max_narrow_paths; ++i)
    many.refused(at(static_cast<std::uint16_t>(i + 1)), start + Duration{1} * std::int64_t(i));
  CHECK(many.bytes(at(1), start + 1s) == usual_datagram);  // made place
  CHECK(many.bytes(at(2), start + 1s) == smallest_datagram);
}
