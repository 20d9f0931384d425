/// Writes the seed corpora: DIRECTORY/<target>/<number>, from what our own encoders make and from
/// the golden vectors of the tests. usage: fuzz_seeds DIRECTORY
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "coterie/gossip/shared_state.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/serf.hpp"
#include "coterie/messaging/handshake.hpp"
#include "coterie/replication/raft/messages.hpp"
#include "coterie/replication/record.hpp"
#include "coterie/replication/register.hpp"
#include "coterie/replication/shard_log/codec.hpp"
#include "coterie/sharding/shard_table.hpp"
#include "coterie/wire/compound.hpp"
#include "coterie/wire/frame.hpp"
#include "coterie/wire/packet.hpp"
#include "coterie/wire/serf_messages.hpp"

using namespace coterie;

namespace {

std::filesystem::path root;
int count = 0;

void seed(const char* target, ByteView bytes) {
  std::filesystem::create_directories(root / target);
  std::ofstream out(root / target / std::to_string(++count), std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

std::vector<Bytes> gossip() {
  const auto at = address_from(Bytes{127, 0, 0, 1}, 7946);
  const wire::Source source{at, "n1"};
  return {wire::encode(wire::Ping{1, "n0", source}),
          wire::encode(wire::IndirectPing{2, at, "n2", true, source}),
          wire::encode(wire::Ack{3, {1, 2}}),
          wire::encode(wire::Nack{4}),
          wire::encode(wire::Suspect{1, "n0", "n1"}),
          wire::encode(wire::Suspect{1, "n2", "n1"}),
          wire::encode(wire::Dead{1, "n2", "n2"}),
          wire::encode(wire::Alive{2, "n9", at, {1}, wire::native_versions}),
          wire::encode(wire::ErrorReply{"boom"}),
          wire::encode(wire::SerfEvent{5, "deploy", {1}, true}),
          wire::encode(wire::SerfQuery{5, 6, at, "n1", {{0, 0x91, 0xa1, 'a'}}, 1, 1, 9, "q", {}}),
          wire::encode(wire::SerfAnswer{5, 6, "n1", 1, {}}),
          wire::encode(wire::SerfRelay{at, "n1", {5, 0x80}})};
}

void gossip_seeds() {
  const auto messages = gossip();
  for (const auto& message : messages) {
    seed("datagram", message);
    seed("datagram", wire::compress(message));
    if (message[0] == 8) seed("serf", ByteView(message).subspan(2));
    seed("lzw", message);
    seed("lzw", ByteView(wire::compress(message)).subspan(1));
  }
  seed("datagram", wire::pack(messages));
  wire::PushPull state{.join = true};
  for (int i = 0; i < 3; ++i)
    state.nodes.push_back({"n" + std::to_string(i),
                           address_from(Bytes{10, 0, 0, 1}, 7946),
                           {1},
                           1,
                           static_cast<wire::PushPullState>(i),
                           wire::native_versions});
  for (const auto& message : {wire::encode(state), wire::compress(wire::encode(state)),
                              wire::encode(wire::Ping{1, "n0", {}})}) {
    Bytes cut{128};
    append(cut, message);
    seed("stream", cut);
  }
  for (const auto& message :
       {wire::encode_digest({}), wire::encode_same(), wire::encode(wire::Difference{.held = state}),
        wire::encode_facts(state), wire::encode_ask_details("n0"), wire::encode_details(Bytes{1}),
        wire::encode_shared_digest({}), wire::encode_shared_difference({}, Bytes{0x90}),
        wire::encode_shared_values(Bytes{0x90})}) {
    seed("native", ByteView(message).subspan(1));
    Bytes cut{128};
    append(cut, message);
    seed("stream", cut);
  }
  gossip::SharedState shared("r");
  for (std::uint8_t kind = 0; kind < 5; ++kind) {
    const auto delta = shared.change({.key = {static_cast<gossip::SharedKind>(kind), "k"},
                                      .amount = 3,
                                      .item = "i",
                                      .value = "v"});
    seed("native", *delta);
    seed("native", ByteView(wire::encode_shared_delta(*delta)).subspan(1));
    seed("datagram", wire::encode_shared_delta(*delta));
  }
  seed("serf", wire::encode(wire::KeyAnswer{true, "m", {"k"}, "k"}));
  seed("serf", wire::encode_key_request(Bytes(16, 1)));
  seed("serf", membership::SerfLayer::encode_tags({{"role", "web"}}));
}

void link_seeds() {
  replication::Register entry{.epoch = Epoch{1}, .primary = "a"};
  std::vector<replication::Swap> swaps{{ShardId{1}, Epoch{0}, entry}};
  seed("control", replication::encode_swaps(7, swaps));
  seed("control", replication::encode_results(7, {{ShardId{1}, true, entry}}));
  sharding::ShardTable table;
  seed("control", sharding::encode(table));
  for (std::uint8_t kind = 1; kind <= 9; ++kind) {
    Bytes frame;
    wire::append_control(frame, static_cast<wire::FrameKind>(kind), 2,
                         replication::encode_swaps(7, swaps));
    seed("link", frame);
    seed("frames", frame);
  }
  Bytes hello;
  wire::append_control(hello, wire::FrameKind::hello, 0,
                       messaging::encode(messaging::Hello{.node = "b"}));
  seed("link", hello);
  seed("frames", ByteView(hello).subspan(wire::frame_prefix_bytes));
  seed("meta", membership::encode(membership::NodeMeta{}));
  seed("meta", view("127.0.0.1:7946"));
  Bytes record;
  (void)replication::append_record(record, replication::RecordView{}, 0);
  seed("record", record);
}

}  // namespace

std::vector<Bytes> raft_messages() {
  using namespace replication::raft;
  const Configuration both{{{"a", 1}, {"b", 2}}, {{"c", 3}}};
  const auto of = [](decltype(Message::body) body) {
    return encode(Message{{"b", 2}, {"a", 1}, Term{3}, std::move(body)});
  };
  return {of(VoteRequest{false, true, Index{9}, Term{2}}),
          of(VoteReply{false, true}),
          of(AppendEntries{Index{1},
                           Term{1},
                           Index{2},
                           8,
                           {{Term{2}, EntryKind::command, {1}},
                            {Term{3}, EntryKind::configuration, encode(both)}}}),
          of(AppendReply{true, Index{2}, Index{0}, 8}),
          of(SnapshotChunk{Index{9}, Term{2}, both, 2, 0, 8, {1, 2}}),
          of(SnapshotReply{Index{9}, 2, 8}),
          of(TimeoutNow{}),
          encode(both)};
}

std::vector<Bytes> shard_log_messages() {
  using namespace replication::shard_log;
  std::vector<Bytes> out;
  BatchWriter all({"b", 2}, {"a", 1});
  const auto add = [&](decltype(Message::body) body) {
    const Message message{{"b", 2}, {"a", 1}, Epoch{1}, std::move(body)};
    BatchWriter one(message.from, message.to);
    one.add(ShardId{9}, message);
    all.add(ShardId{9}, message);
    out.push_back(one.bytes());
  };
  add(Append{.number = 1, .entries = {{Epoch{1}, true, {1}}, {Epoch{1}, false, {2}}}});
  add(Accepted{LogIndex{1}, 1});
  add(Refused{Epoch{2}, LogIndex{1}, 1});
  add(Confirm{1});
  add(Confirmed{1});
  out.push_back(all.bytes());
  return out;
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n"), 2;
  root = argv[1];
  gossip_seeds();
  link_seeds();
  for (const auto& message : raft_messages()) seed("raft", message);
  for (const auto& message : shard_log_messages()) seed("shard_log", message);
  std::printf("%d seeds\n", count);
  return 0;
}
