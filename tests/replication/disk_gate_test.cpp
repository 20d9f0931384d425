#include "coterie/replication/disk_gate.hpp"

#include <doctest/doctest.h>

#include <vector>

using coterie::replication::DiskGate;

namespace {

struct Gate {
  DiskGate<std::uint64_t, int> gate{10, 3};
  std::vector<int> said{};
  void release() {
    gate.release(false, [&](int message) { said.push_back(message); });
  }
  void synced(std::uint64_t batch) {
    gate.synced(batch, [&](int message) { said.push_back(message); });
  }
};

}  // namespace

TEST_CASE(
    "disk gate: what is said upon a write waits for it, and goes at once when nothing is under "
    "way") {
  Gate g;
  g.gate.stage(1);
  g.release();
  CHECK(g.said == std::vector{1});
  CHECK(g.gate.next_batch() == 1);
  CHECK(g.gate.write(11) == 1);
  g.gate.stage(2);
  g.release();
  CHECK(g.gate.write(12) == 2);
  g.gate.stage(3);
  g.release();
  CHECK(g.said == std::vector{1});
  g.synced(1);
  CHECK(g.said == std::vector{1, 2});
  g.synced(2);
  CHECK(g.said == std::vector{1, 2, 3});
}

TEST_CASE("disk gate: durable is what was written, up to where the log was cut meanwhile") {
  Gate g;
  CHECK(g.gate.durable() == 10);
  (void)g.gate.write(15);
  g.gate.cut(12);  // 13 to 15 are on their way, and of the log no longer
  CHECK(g.gate.durable() == 10);
  (void)g.gate.write(13);
  g.synced(1);
  CHECK(g.gate.durable() == 12);
  g.synced(2);
  CHECK(g.gate.durable() == 13);
  g.gate.cut(9);
  CHECK(g.gate.durable() == 9);
}

TEST_CASE("disk gate: behind a disk that hangs the newest messages wait, the oldest go") {
  Gate g;
  (void)g.gate.write(11);
  for (int i = 1; i <= 4; ++i) g.gate.stage(i);
  g.release();
  g.synced(1);
  CHECK(g.said == std::vector{2, 3, 4});
}
