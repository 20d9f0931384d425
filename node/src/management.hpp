/// The management endpoints of a node, as a function of its core. docs/OPERATIONS.md lists them.
#pragma once

#include <functional>
#include <string>

#include "coterie/cluster/node_core.hpp"
#include "coterie/transport/http_server.hpp"

namespace coterie {

/// `core` is null until the node has joined. Called on the control worker's thread.
[[nodiscard]] transport::HttpResponse answer_management(
    const transport::HttpRequest& request, const cluster::NodeCore* core,
    const std::function<std::string()>& metrics);

}  // namespace coterie
