/// The management endpoints that reach the whole pool: events, queries, keys, and a stream of what
/// happens. docs/OPERATIONS.md lists them. On the control thread.
#pragma once

#include <functional>
#include <optional>

#include "coterie/transport/http_server.hpp"
#include "pool_bridge.hpp"

namespace coterie {

/// What these endpoints need of a node.
struct PoolActions {
  std::function<void(std::string name, Bytes payload, bool coalesce)> broadcast{};
  std::function<void(std::uint64_t query, std::string name, Bytes payload, Duration timeout)>
      query{};
  PoolBridge& bridge;
  bool offered = true;  ///< false in a bare memberlist pool, which knows neither
};

/// Nothing if the path is another one's.
[[nodiscard]] std::optional<transport::HttpResponse> answer_pool(
    const transport::HttpRequest& request, const PoolActions& actions);

}  // namespace coterie
