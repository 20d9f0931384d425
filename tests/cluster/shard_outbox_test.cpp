#include "coterie/cluster/shard_outbox.hpp"

#include <doctest/doctest.h>

#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;
using namespace coterie::replication::shard_log;

namespace {

const Replica from{"0", 5}, to{"a", 1};

Message of(std::size_t bytes, const Replica& sender = from) {
  return {sender, to, Epoch{1}, Append{.entries = {{Epoch{1}, false, Bytes(bytes, 1)}}}};
}

/// The links of OtherNode, which are connected to a ShardCore, and what an outbox stages on them.
struct Staged {
  Bench core{true, of_cluster(1)};
  OtherNode node{core};
  messaging::LaneId lane = node.links.lane_to("a", 1);
  ShardOutbox outbox{};

  void add(std::uint16_t shard, const Message& message) {
    outbox.add(lane, ShardId{shard}, message, node.links);
  }
  /// Messages in each frame, in order.
  std::vector<std::size_t> flush() {
    outbox.flush(node.links);
    messaging::LinkEffects effects;
    node.links.flush(core.now, effects);
    std::vector<std::size_t> counts;
    for (const auto& effect : effects)
      if (const auto* write = std::get_if<messaging::Write>(&effect)) {
        ByteView rest = write->bytes;
        while (const auto prefix = wire::read_prefix(rest)) {
          BatchReader batch(
              rest.subspan(wire::frame_prefix_bytes, prefix->length - wire::frame_prefix_bytes));
          counts.push_back(0);
          while (batch.next() != nullptr) ++counts.back();
          CHECK(batch.ok());
          rest = rest.subspan(prefix->length);
        }
        node.links.written(node.mine);
      }
    return counts;
  }
};

}  // namespace

TEST_CASE("shard outbox: what is said at one moment by one name is one frame, by another its own") {
  Staged staged;
  for (std::uint16_t i = 0; i < 100; ++i) staged.add(i, of(10));
  staged.add(100, of(10, {"0", 6}));
  staged.add(101, of(10));
  CHECK(staged.flush() == std::vector<std::size_t>{101, 1});
  CHECK(staged.flush().empty());
}

TEST_CASE("shard outbox: a frame that is full goes, and what is large has its own") {
  Staged staged;
  for (std::uint16_t i = 0; i < 5; ++i) staged.add(i, of(max_batch_bytes / 2 - 100));
  staged.add(5, of(1'000'000));
  staged.add(6, of(10));
  CHECK(staged.flush() == std::vector<std::size_t>{2, 2, 1, 1, 1});
}

TEST_CASE("shard outbox: what finds its lane down is lost, and nothing of it comes later") {
  Staged staged;
  staged.add(1, of(10));
  messaging::LinkEffects effects;
  staged.node.links.closed(staged.node.mine, staged.core.now, effects);
  CHECK(staged.flush().empty());
}
