/// Planners think of nodes, and a node has one copy of a shard; registers name copies, and one that
/// was renewed after damage has a name of its own, for a while beside its old one
/// (replication/copy_id.hpp). Thread-safety: functions of values.
#pragma once

#include <vector>

#include "coterie/replication/register.hpp"
#include "coterie/sharding/placement.hpp"

namespace coterie::sharding {

/// Each copy under its node's name. One that is in sync under an older name than it has now is not:
/// its disk lost what it had acknowledged.
[[nodiscard]] std::vector<replication::Register> by_node(
    const std::vector<replication::Register>& registers, const std::vector<PlaceableNode>& nodes);
/// What was planned for `by_node(before)`, for `before`: every copy under the name that it has, and
/// nobody left out of the in-sync set whom the plan did not leave out.
[[nodiscard]] replication::Register by_copy(replication::Register planned,
                                            const replication::Register& before);

}  // namespace coterie::sharding
