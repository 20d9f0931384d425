/// A ShardCore and one peer that speaks to it over a lane.
#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;

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
  while (shard_of_id(id).value % 2 == 0) id += "x";
  peer.request(id, shard_of_id(id));
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
