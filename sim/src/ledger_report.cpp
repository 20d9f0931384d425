#include "ledger_report.hpp"

#include "coterie/sim/process.hpp"

namespace coterie::sim {

bool all_ready(World& world) {
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (!world.is_up(i)) return false;
    auto state = world.process(i).node().readiness();
    std::erase(state.degraded, cluster::slow_disk);  // it was, for 30 s
    if (!state.ready || !state.degraded.empty()) return false;
  }
  return true;
}

/// Who is not ready, and why: the first thing that a failed seed must tell.
std::string unready(World& world) {
  std::string out;
  for (std::size_t i = 0; i < world.size(); ++i) {
    const auto name = Process::name_of(i) + ": ";
    if (!world.is_up(i)) {
      out += name + "down; ";
      continue;
    }
    const auto state = world.process(i).node().readiness();
    if (!state.ready) out += name + state.reason + "; ";
    for (const auto& why : state.degraded) out += name + why + "; ";
    for (const auto& [node, wish] : world.process(i).node().wishes())
      out += name + "knows " + node + " as " + wish + "; ";
  }
  return out.empty() ? "every node is ready"
                     : out + first_shard(world, [](const auto&, bool served) { return !served; });
}

namespace {

/// Which of a node's directories it means.
std::string named(const replication::raft::MemberId& member) {
  return member.node + "/" + std::to_string(member.disk % 1000);
}

}  // namespace

std::string first_shard(World& world, const ShardWanted& wanted) {
  auto* const leader = world.registers_leader();
  if (leader == nullptr) return "the registers have no leader";
  for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
    const auto& entry = leader->node().table().registers[i];
    std::string out = "shard " + std::to_string(i) + " of epoch " +
                      std::to_string(entry.epoch.value) + " is led by " + entry.primary +
                      ", life " + std::to_string(entry.start.value) + ", in sync:";
    for (const auto& member : entry.in_sync) out += " " + named(member);
    out += ", copies:";
    for (const auto& member : entry.replicas) out += " " + named(member);
    if (entry.moves()) out += ", moves to " + named(entry.successor);
    out += ", at least " + std::to_string(entry.min_in_sync) + "; ";
    out += "registers:";
    for (std::size_t node = 0; node < world.size(); ++node) {
      if (!world.is_up(node)) continue;
      const auto& core = world.process(node).node();
      out += " " + Process::name_of(node) + (core.leads_registers() ? " leads" : "");
      if (const auto* store = core.meta_store())
        out += " term " + std::to_string(store->raft().term().value) + " commit " +
               std::to_string(store->raft().commit().value) + " of " +
               std::to_string(store->raft().log().last().value) + " epoch " +
               std::to_string(store->get(ShardId{i}).epoch.value) + " table " +
               std::to_string(core.table().registers[i].epoch.value);
    }
    out += "; ";
    bool served = false;
    for (std::size_t node = 0; node < world.size(); ++node) {
      if (!world.is_up(node)) continue;
      const auto& status = world.process(node).node().shards();
      if (const auto found = status.find(ShardId{i}); found != status.end())
        out += Process::name_of(node) + " in phase " +
               std::to_string(static_cast<int>(found->second.phase)) + " " + found->second.detail +
               "; ";
      const auto* copy = world.process(node).shard_core(ShardId{i}).copy_of(ShardId{i});
      if (copy == nullptr) continue;
      served = served || (copy->serves() && Process::name_of(node) == entry.primary);
      out += Process::name_of(node) +
             (copy->serves()  ? " serves"
              : copy->leads() ? " leads"
                              : " follows") +
             " " + std::to_string(copy->assignment().epoch.value) + ", promised " +
             std::to_string(copy->promised().value) + ", log to " +
             std::to_string(copy->last().value) + ", durable " +
             std::to_string(copy->durable().value) + ", committed " +
             std::to_string(copy->commit().value) + "; ";
    }
    if (wanted(entry, served)) return out;
  }
  return "no such shard";
}

}  // namespace coterie::sim
