#include "copy_names.hpp"

#include "cluster_view.hpp"
#include "coterie/replication/copy_id.hpp"

namespace coterie::sharding {
namespace {

using replication::latest_of;
using replication::same_directory;

std::vector<Member> every_name(const Register& entry) {
  auto out = entry.replicas;
  out.insert(out.end(), entry.in_sync.begin(), entry.in_sync.end());
  return out;
}

/// The name in use; as it is, where there is none.
Member in_use(const std::vector<Member>& names, const Member& member) {
  const auto* const latest = latest_of(names, member);
  return latest == nullptr ? member : *latest;
}

Register by_node(Register entry, const ClusterView& view) {
  const auto base = [&](const Member& member) {
    const auto node = view.find(member);
    return node == nobody ? member : view.at(node).id();
  };
  const auto as_nodes = [&](const std::vector<Member>& set, bool current) {
    std::vector<Member> out;
    for (const auto& member : set)
      if (!current || replication::is_current(entry, member))
        if (const auto node = base(member); !holds(out, node)) out.push_back(node);
    return out;
  };
  entry.in_sync = as_nodes(entry.in_sync, true);
  entry.replicas = as_nodes(entry.replicas, false);
  if (entry.moves()) entry.successor = base(entry.successor);
  if (entry.disk != 0) entry.disk = base(entry.leader()).disk;
  return entry;
}

}  // namespace

std::vector<Register> by_node(const std::vector<Register>& registers,
                              const std::vector<PlaceableNode>& nodes) {
  const ClusterView view(nodes);
  std::vector<Register> out;
  out.reserve(registers.size());
  for (const auto& entry : registers) out.push_back(by_node(entry, view));
  return out;
}

Register by_copy(Register planned, const Register& before) {
  const auto names = every_name(before);
  if (planned.moves()) planned.successor = in_use(names, planned.successor);
  const bool same_leader = same_directory(planned.leader(), before.leader());
  planned.disk = same_leader ? before.disk : in_use(names, planned.leader()).disk;
  std::vector<Member> replicas, in_sync;
  for (const auto& member : planned.replicas) {
    bool known = false;
    for (const auto& name : before.replicas)
      if (same_directory(name, member)) replicas.push_back(name), known = true;
    if (!known) replicas.push_back(in_use(names, member));
  }
  std::size_t left = before.in_sync.size();
  for (const auto& name : before.in_sync) {
    const bool planned_in = std::any_of(planned.in_sync.begin(), planned.in_sync.end(),
                                        [&](const auto& m) { return same_directory(m, name); });
    const bool outdated = !replication::is_current(before, name);
    // I shrinks with a change of the primary alone, and never below what may commit.
    if (planned_in || (outdated && (same_leader || left <= planned.min_in_sync)))
      in_sync.push_back(name);
    else --left;
  }
  planned.replicas = std::move(replicas);
  planned.in_sync = std::move(in_sync);
  return planned;
}

}  // namespace coterie::sharding
