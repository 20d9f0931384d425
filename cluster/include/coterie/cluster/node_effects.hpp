/// What the control plane wants done, as values. Thread-safety: value types.
#pragma once

#include <optional>
#include <variant>

#include "coterie/cluster/routes.hpp"
#include "coterie/membership/swim_effects.hpp"
#include "coterie/messaging/link_effects.hpp"
#include "coterie/replication/meta_store.hpp"

namespace coterie::cluster {

/// Make durable which start the registers have for this directory, and which one it proposes next,
/// then call life_persisted().
struct PersistLife {
  std::uint64_t confirmed{};
  std::uint64_t tried{};
  friend bool operator==(const PersistLife&, const PersistLife&) = default;
};
/// Make this identity durable, then call identity_persisted().
struct PersistIdentity {
  ClusterId cluster{};
  bool founder = false;  ///< this node formed it, and is the first voter on the registers
  friend bool operator==(const PersistIdentity&, const PersistIdentity&) = default;
};
/// Where to look for the pool after a restart; fire and forget.
struct RememberPeers {
  std::vector<Address> gossip{};
  friend bool operator==(const RememberPeers&, const RememberPeers&) = default;
};
/// Give this snapshot to every data worker.
struct PublishRoutes {
  RoutesPtr routes{};
  friend bool operator==(const PublishRoutes& a, const PublishRoutes& b) {
    return *a.routes == *b.routes;
  }
};
/// Restart this part of the node: "gossip", "links" or "management".
struct StartPart {
  std::string part{};
  friend bool operator==(const StartPart&, const StartPart&) = default;
};
/// A node that leaves leads nothing any more, or cannot wait longer: let what is in flight end,
/// then call depart().
struct HandedOver {
  std::size_t left{};  ///< shards that it still leads: nobody could take them in time
  friend bool operator==(const HandedOver&, const HandedOver&) = default;
};
/// The node ends: after a leave without an error, or because it cannot go on.
struct Stop {
  std::optional<Error> error{};
  friend bool operator==(const Stop&, const Stop&) = default;
};

using NodeEffect =
    std::variant<membership::SendDatagram, membership::OpenStream, membership::WriteStream,
                 membership::CloseStream, membership::MemberChanged, membership::UserEvent,
                 membership::QueryAsked, membership::QueryAnswer, membership::QueryFinished,
                 membership::MemberDetails, membership::SharedChanged, messaging::Connect,
                 messaging::Write, messaging::Close, messaging::HandOff, PersistIdentity,
                 PersistLife, replication::raft::Persist, RememberPeers, PublishRoutes, StartPart,
                 HandedOver, Stop, LogEvent>;
using NodeEffects = std::vector<NodeEffect>;

}  // namespace coterie::cluster
