#include "coterie/cluster/node_input.hpp"

namespace coterie::cluster {
namespace {

using namespace node_input;

struct Feed {
  NodeCore& core;
  Instant now;

  NodeOutcome operator()(const Start&) { return {core.start(now)}; }
  NodeOutcome operator()(const Leave&) { return {core.leave(now)}; }
  NodeOutcome operator()(const Tick&) { return {core.tick(now)}; }
  NodeOutcome operator()(const Datagram& i) { return {core.datagram(i.from, i.bytes, now)}; }
  NodeOutcome operator()(const StreamAccepted& i) { return {core.stream_accepted(i.id, now)}; }
  NodeOutcome operator()(const StreamReceived& i) {
    return {core.stream_received(i.id, i.bytes, now), i.bytes.size()};
  }
  NodeOutcome operator()(const StreamClosed& i) { return {core.stream_closed(i.id, now)}; }
  NodeOutcome operator()(const LinkAccepted& i) { return {core.link_accepted(i.id, now)}; }
  NodeOutcome operator()(const LinkConnected& i) { return {core.link_connected(i.id, now)}; }
  NodeOutcome operator()(const LinkReceived& i) {
    NodeOutcome out;
    out.effects = core.link_received(i.id, i.bytes, out.consumed, now);
    return out;
  }
  NodeOutcome operator()(const LinkWritten& i) { return {core.link_written(i.id, now)}; }
  NodeOutcome operator()(const LinkClosed& i) { return {core.link_closed(i.id, now)}; }
  NodeOutcome operator()(const IdentityPersisted&) { return {core.identity_persisted(now)}; }
  NodeOutcome operator()(const LifePersisted&) { return {core.life_persisted(now)}; }
  NodeOutcome operator()(const RaftPersisted& i) { return {core.raft_persisted(i.batch, now)}; }
  NodeOutcome operator()(const ShardReport& i) { return {core.shard_status(i.status, now)}; }
  NodeOutcome operator()(const PartFailed& i) { return {core.part_failed(i.part, i.reason, now)}; }
  NodeOutcome operator()(const Broadcast& i) {
    return {core.broadcast(i.name, i.payload, i.coalesce, now)};
  }
  NodeOutcome operator()(const Query& i) {
    return {core.query(i.query, i.name, i.payload, i.timeout, now)};
  }
  NodeOutcome operator()(const Answer& i) { return {core.answer(i.query, i.payload, now)}; }
  NodeOutcome operator()(const Seeds& i) { return {core.set_seeds(i.seeds, now)}; }
  NodeOutcome operator()(const Starved& i) { return {core.starved(i.waited, i.over, now)}; }
  NodeOutcome operator()(const SetDetails& i) { return {core.set_details(i.details, now)}; }
  NodeOutcome operator()(const Share& i) { return {core.share(i.change, now)}; }
  NodeOutcome operator()(const ShardProposal& i) { return {core.propose(i.swap, now)}; }
  NodeOutcome operator()(const TooLarge& i) { return {core.too_large(i.to, now)}; }
  NodeOutcome operator()(const Move& i) { return {core.move(i.shard, i.to, now)}; }
  NodeOutcome operator()(const ForcePrimary& i) { return {core.force_primary(i.shard, i.to, now)}; }
  NodeOutcome operator()(const Depart&) { return {core.depart(now)}; }
};

}  // namespace

NodeOutcome feed(NodeCore& core, const NodeInput& input, Instant now) {
  return std::visit(Feed{core, now}, input);
}

}  // namespace coterie::cluster
