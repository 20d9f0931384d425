#include "coterie/sim/shard_group.hpp"

namespace coterie::sim {

using namespace replication::shard_log;

void ShardGroup::fail(std::string what) {
  if (problem_.empty())
    problem_ = what + " (at " + std::to_string((now_ - Instant{1'000'000'000}) / 1ms) + " ms)" +
               describe();
}

/// Invariants 1 and 3: one chain, and what is committed is on the disk of all of the register's I.
/// A member whose disk was wiped since may have had it.
void ShardGroup::check_committed(std::size_t node, LogIndex index) {
  auto& n = nodes_[node];
  for (auto i = n.reported.value + 1; i <= index.value; ++i) {
    if (i <= n.disk.base.last.value && i < chosen_.size()) continue;
    if (n.disk.at(i) == nullptr) return fail("committed, and not on the primary's own disk");
    const auto& entry = *n.disk.at(i);
    if (i < chosen_.size()) {
      if (chosen_[i] != entry) return fail("two entries were committed at one index");
      continue;
    }
    for (const auto& member : assignment_.in_sync) {
      if (!exists(member)) continue;
      if (!nodes_[node_of(member)].disk.has(i, entry))
        return fail("committed, and not on the disk of in-sync " + member.node);
    }
    chosen_.push_back(entry);
    chosen_in_.push_back(n.replica->epoch());
    acknowledged_ += entry.barrier ? 0 : 1;
    trace_.add(entry.record);
  }
  n.reported = std::max(n.reported, index);
}

/// Invariant 2: nobody leads below what it promised, durably.
void ShardGroup::check_promise(std::size_t node) {
  const auto& replica = *nodes_[node].replica;
  if (replica.leads() && replica.epoch() < nodes_[node].disk.promised)
    fail("leads below its own promise");
}

/// Invariant 5: who enters I has everything, however late the swap landed.
void ShardGroup::check_in_sync() {
  for (const auto& member : assignment_.in_sync) {
    if (!exists(member)) continue;
    const auto& disk = nodes_[node_of(member)].disk;
    for (std::size_t i = 1; i < chosen_.size(); ++i)
      if (!disk.has(i, chosen_[i]))
        return fail("in-sync " + member.node + " lacks what is committed");
  }
}

/// Invariant 4: whoever serves has everything that earlier epochs committed. One that learns late
/// that its barrier is committed need not have what later ones did: it commits nothing more.
void ShardGroup::check_serving(std::size_t node) {
  const auto& disk = nodes_[node].disk;
  for (std::size_t i = 1; i < chosen_.size(); ++i)
    if (chosen_in_[i] < nodes_[node].replica->epoch() && !disk.has(i, chosen_[i]))
      return fail("a primary lacks what is committed");
}

/// Invariant 9.
void ShardGroup::check_read(std::size_t node, const ReadReady& ready) {
  ++reads_done_;
  const auto floor = reads_.at(ready.token);
  if (ready.index.value < floor) return fail("a read missed what was committed before it");
  const auto& disk = nodes_[node].disk;
  for (std::size_t i = 1; i <= floor; ++i)
    if (!disk.has(i, chosen_[i])) return fail("a read saw another history");
}

std::string ShardGroup::describe() const {
  const auto list = [](const std::vector<Replica>& set) {
    std::string text;
    for (const auto& id : set) text += " " + id.node + std::to_string(id.disk);
    return text;
  };
  std::string text = "\n  register: epoch " + std::to_string(assignment_.epoch.value) +
                     ", primary " + assignment_.primary.node + " of life " +
                     std::to_string(assignment_.start.value) + ", in sync" +
                     list(assignment_.in_sync) + ", replicas" + list(assignment_.replicas) +
                     "; committed " + std::to_string(committed());
  for (std::size_t i = 0; i < size(); ++i) {
    const auto& n = nodes_[i];
    text += "\n  " + id_of(i).node + std::to_string(n.disk_id) + " life " +
            std::to_string(n.disk.start.value) + ", on disk " +
            std::to_string(n.disk.base.last.value + 1) + " to " +
            std::to_string(n.disk.last().value) + ", promised " +
            std::to_string(n.disk.promised.value);
    if (!n.replica) {
      text += ", down";
      continue;
    }
    const auto& r = *n.replica;
    text += std::string(r.serves()  ? ", serves"
                        : r.leads() ? ", leads"
                                    : ", follows") +
            " epoch " + std::to_string(r.epoch().value) + ", knows " +
            std::to_string(r.assignment().epoch.value) + ", last " +
            std::to_string(r.last().value) + ", commit " + std::to_string(r.commit().value);
  }
  return text;
}

}  // namespace coterie::sim
