#include "coterie/gossip/digest.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace coterie;
using gossip::Digest;

TEST_CASE("digest: the order of facts does not matter, their versions do") {
  Digest a, b;
  for (int i = 0; i < 1000; ++i) a.add("n" + std::to_string(i), 7);
  for (int i = 999; i >= 0; --i) b.add("n" + std::to_string(i), 7);
  CHECK((a - b).none());
  b.add("n5", 7);  // adding again takes away
  CHECK((a - b).count() == 1);
  CHECK((a - b)[Digest::part_of("n5")]);
  b.add("n5", 8);
  CHECK((a - b)[Digest::part_of("n5")]);
}

TEST_CASE("digest: the golden vector of docs/WIRE.md") {
  Digest digest;
  digest.add("node-1", 3);
  CHECK(Digest::part_of("node-1") == 13);
  CHECK(digest.parts()[13] == 4059749591u);
}
