/// A ShardCore and one peer that speaks to it over a lane.
#include "shard_bench.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

const ClusterId our_cluster{1, 1};

/// The peer: its own Links, and whatever it wants to stage.
struct OtherNode {
  explicit OtherNode(Bench& b)
      : bench(b),
        links({}, {.cluster = our_cluster, .node = "0", .from_worker = 1, .session = SessionId{9}},
              Random(3)) {
    messaging::LinkEffects out;
    links.peer_up("a", {}, {}, {1}, bench.now, out);
    links.tick(bench.now, out);
    mine = std::get<messaging::Connect>(out.at(0)).conn;
    out.clear();
    bench.core.accepted(theirs, bench.now, bench);
    links.connected(mine, out);
    exchange(std::move(out));
    REQUIRE(links.is_up(links.lane_to("a", 1)));
  }
  void exchange(messaging::LinkEffects out) {
    for (auto& effect : out)
      if (auto* write = std::get_if<messaging::Write>(&effect)) {
        (void)bench.core.received(theirs, write->bytes, bench.now, bench);
        links.written(mine);
      }
    bench.core.flush(bench.now, bench);
    for (auto& effect : std::exchange(bench.links, {}))
      if (auto* write = std::get_if<messaging::Write>(&effect)) {
        bench.core.written(theirs);
        ByteView rest = write->bytes;
        messaging::LinkEffects more;
        while (const auto frame = links.next_frame(mine, rest, bench.now, more))
          if (const auto reply = wire::read_reply(frame->bytes))
            replies.emplace_back(reply->header, to_bytes(reply->payload));
      }
  }
  void request(std::string_view entity, ShardId shard) {
    auto* staging = links.stage(links.lane_to("a", 1), 1000);
    REQUIRE(staging != nullptr);
    wire::append_request(*staging,
                         {.flags = wire::flag_ask,
                          .cluster_tag = wire::cluster_tag(our_cluster),
                          .session = SessionId{9},
                          .sequence = ++sequence,
                          .epoch = Epoch{1},
                          .shard = shard,
                          .type = bench.types[0].id},
                         view(entity), {});
    messaging::LinkEffects out;
    links.flush(bench.now, out);
    exchange(std::move(out));
  }
  Bench& bench;
  messaging::Links links;
  ConnId mine{}, theirs{77};
  std::uint64_t sequence = 0;
  std::vector<std::pair<wire::ReplyHeader, Bytes>> replies;
};

ShardCoreConfig of_cluster(std::uint16_t workers) {
  ShardCoreConfig config;
  config.self.cluster = our_cluster;
  config.data_workers = workers;
  return config;
}

const ShardId shard_of_x = sharding::shard_of(sharding::entity_hash("x"));

}  // namespace

TEST_CASE("lanes: a request that names another shard is malformed, also before the first routes") {
  Bench bench(false, of_cluster(1));
  OtherNode peer(bench);
  peer.request("x", ShardId{static_cast<std::uint16_t>(shard_of_x.value ^ 1)});
  REQUIRE(peer.replies.size() == 1);
  CHECK(peer.replies[0].first.status == code(Errc::malformed));
}

TEST_CASE("lanes: a request for a shard of another worker is answered, not kept") {
  Bench bench(false, of_cluster(2));  // this core is worker 1: it owns the even shards
  OtherNode peer(bench);
  std::string id = "x";
  while (sharding::shard_of(sharding::entity_hash(id)).value % 2 == 0) id += "x";
  peer.request(id, sharding::shard_of(sharding::entity_hash(id)));
  REQUIRE(peer.replies.size() == 1);
  CHECK(peer.replies[0].first.status == code(Errc::unavailable));
  CHECK(bench.core.parked() == 0);
}

TEST_CASE("lanes: a request to a node that is no longer the owner is answered with the register") {
  Bench bench(true, of_cluster(1));
  OtherNode peer(bench);
  bench.owner("b", Epoch{2});
  bench.links.clear();
  auto routes = std::make_shared<Routes>();
  routes->cluster = our_cluster;
  routes->table.entity_types = 1;
  for (auto& entry : routes->table.registers) entry = Bench::led_by("b", Epoch{3});
  routes->peers.push_back({"b", {}, 1, {}, true});
  bench.core.routes(routes, bench.now, bench);
  bench.links.clear();
  peer.request("x", shard_of_x);
  REQUIRE(peer.replies.size() == 1);
  CHECK(peer.replies[0].first.status == code(Errc::moved));
  const auto newer = replication::decode_register(peer.replies[0].second);
  REQUIRE(newer.has_value());
  CHECK(newer->primary == "b");
  CHECK(newer->epoch == Epoch{3});
}
