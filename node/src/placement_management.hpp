/// The management endpoints about who has which shard: explain, the plan, and what operators want.
/// Who changes something must be on this host, until there are tokens. Thread-safety: called on the
/// control worker's thread.
#pragma once

#include <functional>
#include <optional>

#include "coterie/cluster/node_core.hpp"
#include "coterie/transport/http_server.hpp"

namespace coterie {

struct PlacementActions {
  std::function<void(ShardId, std::string)> move{};
  std::function<void(ShardId, std::string)> force_primary{};
  std::function<void(gossip::SharedChange)> wish{};
};

/// nullopt: it is another part's target.
[[nodiscard]] std::optional<transport::HttpResponse> answer_placement(
    const transport::HttpRequest& request, const cluster::NodeCore& core, Instant now,
    const PlacementActions& actions);

}  // namespace coterie
