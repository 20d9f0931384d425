/// What reaches a NodeCore, as values: so that a run can be recorded and fed again. Views are valid
/// during the call. Thread-safety: value types.
#pragma once

#include <variant>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

namespace node_input {
struct Start {};
struct Leave {};
struct Tick {};
struct Datagram {
  Address from{};
  ByteView bytes{};
};
struct StreamAccepted {
  ConnId id{};
};
struct StreamReceived {
  ConnId id{};
  ByteView bytes{};
};
struct StreamClosed {
  ConnId id{};
};
struct LinkAccepted {
  ConnId id{};
};
struct LinkConnected {
  ConnId id{};
};
struct LinkReceived {
  ConnId id{};
  ByteView bytes{};
};
struct LinkWritten {
  ConnId id{};
};
struct LinkClosed {
  ConnId id{};
};
struct IdentityPersisted {};
struct LifePersisted {};
struct RaftPersisted {
  std::uint64_t batch{};
};
struct ShardReport {
  ShardStatus status{};
};
struct PartFailed {
  std::string part{};
  std::string reason{};
};
struct Move {
  ShardId shard{};
  std::string to{};
};
struct Broadcast {
  std::string name{};
  Bytes payload{};
  bool coalesce = false;
};
struct Query {
  std::uint64_t query{};
  std::string name{};
  Bytes payload{};
  Duration timeout{};
};
struct Answer {
  std::uint64_t query{};
  Bytes payload{};
};
struct Seeds {
  std::vector<Address> seeds{};
};
struct Starved {
  Duration waited{};
  Duration over{};
};
struct SetDetails {
  Bytes details{};
};
struct Share {
  gossip::SharedChange change{};
};
struct ShardProposal {
  replication::Swap swap{};
};
struct TooLarge {
  Address to{};
};
struct Depart {};
struct ForcePrimary {
  ShardId shard{};
  std::string to{};
};
}  // namespace node_input

using NodeInput =
    std::variant<node_input::Start, node_input::Leave, node_input::Tick, node_input::Datagram,
                 node_input::StreamAccepted, node_input::StreamReceived, node_input::StreamClosed,
                 node_input::LinkAccepted, node_input::LinkConnected, node_input::LinkReceived,
                 node_input::LinkWritten, node_input::LinkClosed, node_input::IdentityPersisted,
                 node_input::RaftPersisted, node_input::ShardReport, node_input::PartFailed,
                 node_input::Move, node_input::Broadcast, node_input::Query, node_input::Answer,
                 node_input::Seeds, node_input::Starved, node_input::SetDetails, node_input::Share,
                 node_input::TooLarge, node_input::ShardProposal, node_input::Depart,
                 node_input::ForcePrimary, node_input::LifePersisted>;

/// What an input brought about; `consumed` counts for streams alone.
struct NodeOutcome {
  NodeEffects effects{};
  std::size_t consumed = 0;
};

[[nodiscard]] NodeOutcome feed(NodeCore& core, const NodeInput& input, Instant now);

}  // namespace coterie::cluster
