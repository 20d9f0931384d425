#include "ledger_checks.hpp"

#include <algorithm>
#include <map>

#include "coterie/replication/record.hpp"
#include "coterie/sim/process.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "ledger_report.hpp"

namespace coterie::sim {
namespace {

constexpr Duration in_sync_limit = 120s;
constexpr Duration refuse_limit = 60s;
constexpr Duration wishes_limit = 2 * membership::shared_timeout;
constexpr Duration even_limit = 300s;  // nodes that fell often have to be up for two minutes
constexpr std::size_t most_flips = 4;

/// The shards as the leader of the registers knows them; null: there is none.
const sharding::ShardTable* table_of(World& world) {
  auto* const leader = world.registers_leader();
  return leader == nullptr ? nullptr : &leader->node().table();
}

/// Shards that this node has something of, and is to have.
std::vector<ShardId> held_by(World& world, std::size_t node) {
  std::vector<ShardId> out;
  const auto* const table = table_of(world);
  if (table == nullptr) return out;
  for (const auto& [shard, log] : world.disk(node).logs) {
    const auto& replicas = table->at(shard).replicas;
    const bool has = std::any_of(replicas.begin(), replicas.end(), [&](const auto& member) {
      return member.node == Process::name_of(node);
    });
    if (has && !log.empty()) out.push_back(shard);
  }
  return out;
}

bool is_in_sync(const replication::Register& entry) {
  return !entry.moves() && entry.replicas.size() == 3 && entry.in_sync.size() == 3;
}

bool is_sound(const std::vector<Bytes>& log) {
  return std::all_of(log.begin(), log.end(),
                     [](const Bytes& record) { return replication::is_sound(record); });
}

}  // namespace

bool all_in_sync(World& world) {
  const auto* const table = table_of(world);
  if (table == nullptr || !all_ready(world)) return false;
  return std::all_of(table->registers.begin(), table->registers.end(), is_in_sync);
}

std::string wait_in_sync(World& world) {
  if (world.run_until([&] { return all_in_sync(world); }, in_sync_limit)) return {};
  return "the copies do not all come in sync; " + unready(world) + "; " +
         first_shard(world, [](const auto& entry, bool) { return !is_in_sync(entry); });
}

std::string refuse_and_replace(World& world, Random& random, const Disk& older, std::size_t node) {
  const auto other = (node + 1) % world.size();
  world.kill(node, false);
  world.disk(node) = older;
  world.start(node);
  world.run_for(random.below(Duration{1s}));
  world.kill(other, false);  // who has everything is gone just then
  world.run_for(random.below(Duration{3s}));
  world.start(other);  // of three voters the older copy is worth nothing, so that two are needed
  const auto refused = [&] { return world.process(node).left(); };
  if (!world.run_until(refused, refuse_limit))
    return "an older copy is not refused; " + unready(world);
  world.kill(node, false);
  world.disk(node).wipe();
  world.start(node);
  return wait_in_sync(world);
}

std::string damage_and_repair(World& world, Random& random, std::size_t& damages) {
  if (auto problem = wait_in_sync(world); !problem.empty()) return problem;
  auto victim = static_cast<std::size_t>(random.below(std::uint64_t{world.size()}));
  auto shards = held_by(world, victim);
  // Some node has written something, but of seven not every one.
  for (std::size_t tried = 0; shards.empty() && tried < world.size(); ++tried)
    shards = held_by(world, victim = (victim + 1) % world.size());
  const auto other = (victim + 1) % world.size();
  if (shards.empty()) return "nobody has a log";
  world.kill(victim, false);
  std::vector<ShardId> damaged;
  for (std::size_t i = 0; i < most_flips; ++i) {
    const auto shard = shards[random.below(std::uint64_t{shards.size()})];
    if (std::find(damaged.begin(), damaged.end(), shard) != damaged.end()) continue;
    world.disk(victim).flip(shard, random);
    damaged.push_back(shard);
    ++damages;
  }
  world.start(victim);
  world.run_for(random.below(Duration{2s}));
  world.kill(other, false);
  world.run_for(random.below(Duration{8s}));
  world.start(other);
  const auto repaired = [&] {
    return std::all_of(damaged.begin(), damaged.end(), [&](ShardId shard) {
      return is_sound(world.disk(victim).logs[shard]) && world.disk(victim).renewals[shard] > 0;
    });
  };
  if (!world.run_until([&] { return repaired() && all_in_sync(world); }, in_sync_limit))
    return "a damaged copy is not made anew; " + unready(world);
  return {};
}

std::string check_flow(World& world) {
  for (std::size_t node = 0; node < world.size(); ++node)
    for (std::uint16_t i = 0; world.is_up(node) && i < sharding::shard_count; ++i)
      if (!world.process(node).shard_core(ShardId{i}).flow_balances())
        return "commands that came to " + Process::name_of(node) + " have had no end, or two";
  return {};
}

std::string check_snapshots(World& world, std::size_t& snapshots) {
  std::string problem;
  for (std::size_t i = 0; i < world.size(); ++i)
    for (const auto& [shard, log] : world.disk(i).logs) {
      std::map<std::string, std::int64_t> folds;  // known from the first event or snapshot on
      for (const auto& bytes : log) {
        const auto record = replication::read_record(bytes).value();
        const auto account = std::string(text(record.entity));
        const bool saved = record.kind == replication::RecordKind::snapshot;
        const bool known = folds.contains(account);
        if (!known && record.previous != LogIndex{} && !saved) continue;  // the rest was trimmed
        for (const auto& event : record.events)
          folds[account] += wire::MsgpackReader(event.bytes).signed_integer();
        if (!saved) continue;
        ++snapshots;
        const auto state = wire::MsgpackReader(record.reply).signed_integer();
        if (!known) folds[account] = state;
        if (state != folds[account])
          problem = "a snapshot of " + account + " is not the fold of its events";
      }
    }
  return problem;
}

std::size_t trimmed_logs(World& world) {
  std::size_t trimmed = 0;
  for (std::size_t i = 0; i < world.size(); ++i)
    for (const auto& [shard, first] : world.disk(i).firsts) trimmed += first > LogIndex{1} ? 1 : 0;
  return trimmed;
}

std::string end_wishes(World& world) {
  const auto none = [&] {
    bool clear = true;
    for (std::size_t i = 0; i < world.size(); ++i)
      for (const auto& [node, wish] : std::map(world.process(i).node().wishes())) {
        clear = false;
        (void)world.process(i).wish(node, "");  // who has just started refuses
      }
    return clear;
  };
  if (world.run_until(none, wishes_limit)) return {};
  return "wishes of nodes do not end; " + unready(world);
}

std::string check_even(World& world) {
  const auto even = [&] {
    auto* const leader = world.registers_leader();
    if (leader == nullptr || !leader->node().wishes().empty()) return false;
    std::vector<std::size_t> leads(world.size());
    for (const auto& entry : leader->node().table().registers) {
      if (entry.moves() || entry.replicas.size() != 3 || entry.in_sync.size() != 3) return false;
      ++leads.at(entry.primary.at(1) - static_cast<std::size_t>('0'));
    }
    const auto [least, most] = std::minmax_element(leads.begin(), leads.end());
    return *most - *least <= 1;
  };
  if (world.run_until(even, even_limit)) return {};
  return "after the faults the shards are never even; " + unready(world);
}

std::string check_leave(World& world) {
  using membership::MemberState;
  const auto sees = [&](std::size_t observer, const char* name, MemberState state) {
    const auto& members = world.process(observer).node().swim().members();
    const auto* const found = members.find(name);
    return found != nullptr && found->state == state;
  };
  world.leave(2);
  std::string problem;
  if (!world.run_until(
          [&] { return sees(0, "n2", MemberState::left) && sees(1, "n2", MemberState::left); },
          60s)) {
    problem = "a leave was not learned within 60 s: n2 is";
    for (std::size_t observer : {0, 1}) {
      const auto* const found = world.process(observer).node().swim().members().find("n2");
      problem += " " + std::string(found == nullptr ? "unknown" : to_string(found->state)) +
                 " to " + Process::name_of(observer);
    }
  }
  world.kill(1, false);
  if (!world.run_until([&] { return sees(0, "n1", MemberState::dead); }, 60s))
    problem = "a crash was not learned within 60 s";
  return problem;
}

}  // namespace coterie::sim
