/// A peer that speaks to one ShardCore over a lane: it asks, and as a replica it accepts whatever
/// it is sent.
#pragma once

#include "coterie/replication/shard_log/codec.hpp"
#include "shard_bench.hpp"

namespace coterie::cluster {

inline const ClusterId our_cluster{1, 1};

/// The copies of this node and of the peer.
inline const replication::raft::MemberId our_copy{"a", 1}, their_copy{"0", 9};

/// Its own Links, and whatever it wants to stage.
struct OtherNode {
  explicit OtherNode(Bench& b, std::uint64_t features = 0, ConnId conn = ConnId{77})
      : bench(b),
        links({},
              {.features = features,
               .cluster = our_cluster,
               .node = "0",
               .start = StartId{5},
               .from_worker = 1,
               .session = SessionId{9}},
              Random(3)),
        theirs(conn) {
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
    read_answers();
  }
  /// What the core has written to us, until there is nothing more.
  void read_answers() {
    for (auto& effect : std::exchange(bench.links, {}))
      if (auto* write = std::get_if<messaging::Write>(&effect)) {
        bench.core.written(theirs);
        ByteView rest = write->bytes;
        messaging::LinkEffects more;
        while (const auto frame = links.next_frame(mine, rest, bench.now, more)) take(*frame);
      }
  }
  void take(const messaging::Frame& frame) {
    const auto body = frame.bytes.subspan(wire::frame_prefix_bytes);
    if (const auto reply = wire::read_reply(frame.bytes);
        reply && frame.kind == wire::FrameKind::reply)
      replies.emplace_back(reply->header, to_bytes(reply->payload));
    if (const auto request = wire::read_request(frame.bytes);
        request && frame.kind == wire::FrameKind::request)
      requests.emplace_back(request->header, std::string(text(request->entity)));
    if (frame.kind == wire::FrameKind::shard_log) answer(body);
    kinds.push_back(frame.kind);
    bodies.push_back(to_bytes(body));
  }
  void answer(ByteView body) {
    using namespace replication::shard_log;
    BatchReader batch(body);
    while (const auto* const said = batch.next()) {
      const auto& message = said->message;
      Message reply{message.to, message.from, message.epoch, {}};
      if (const auto* append = std::get_if<Append>(&message.body))
        reply.body =
            Accepted{LogIndex{append->previous.value + append->entries.size()}, append->number};
      if (const auto* confirm = std::get_if<Confirm>(&message.body))
        reply.body = Confirmed{confirm->round};
      if (!silent) say(said->shard, reply);
    }
    REQUIRE(batch.ok());
  }
  void say(ShardId shard, const replication::shard_log::Message& message) {
    replication::shard_log::BatchWriter batch(message.from, message.to);
    batch.add(shard, message);
    send(wire::FrameKind::shard_log, batch.bytes());
  }
  void send(wire::FrameKind kind, const Bytes& body) {
    auto* staging = links.stage(links.lane_to("a", 1), wire::frame_prefix_bytes + body.size());
    REQUIRE(staging != nullptr);
    wire::append_control(*staging, kind, wire::cluster_tag(our_cluster), body);
  }
  /// Disk and lane, until both are quiet.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) {
      bench.sync();
      messaging::LinkEffects out;
      links.flush(bench.now, out);
      exchange(std::move(out));
    }
  }
  void request(std::string_view entity, ShardId shard, std::uint8_t tag = 0, Epoch epoch = Epoch{1},
               std::uint16_t flags = wire::flag_ask) {
    auto* staging = links.stage(links.lane_to("a", 1), 1000);
    REQUIRE(staging != nullptr);
    wire::append_request(*staging,
                         {.flags = flags,
                          .cluster_tag = wire::cluster_tag(our_cluster),
                          .session = SessionId{9},
                          .sequence = ++sequence,
                          .epoch = epoch,
                          .shard = shard,
                          .tag = tag,
                          .type = bench.types[0].id},
                         view(entity), {});
    messaging::LinkEffects out;
    links.flush(bench.now, out);
    exchange(std::move(out));
  }
  void reply(const wire::RequestHeader& to, std::uint8_t status) {
    auto* staging = links.stage(links.lane_to("a", 1), 1000);
    REQUIRE(staging != nullptr);
    Bytes payload;
    wire::MsgpackWriter(payload).signed_integer(7);
    wire::append_reply(*staging,
                       {.cluster_tag = wire::cluster_tag(our_cluster),
                        .session = to.session,
                        .sequence = to.sequence,
                        .shard = to.shard,
                        .status = status},
                       payload);
  }
  Bench& bench;
  messaging::Links links;
  ConnId mine{}, theirs{};
  std::uint64_t sequence = 0;
  bool silent = false;  ///< as a replica
  std::vector<std::pair<wire::ReplyHeader, Bytes>> replies;
  std::vector<std::pair<wire::RequestHeader, std::string>> requests;
  std::vector<wire::FrameKind> kinds;
  std::vector<Bytes> bodies;
};

inline ShardCoreConfig of_cluster(std::uint16_t workers) {
  ShardCoreConfig config;
  config.self.cluster = our_cluster;
  config.data_workers = workers;
  return config;
}

}  // namespace coterie::cluster
