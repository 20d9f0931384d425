/// The ledger property over one seed: deposits through any node while nodes are killed, cut off and
/// restarted and shards move; at the end every acknowledged cent is there once. Invariants L1, L2,
/// L3 and L6 of the chaos plan, and the membership properties. Thread-safety: pure function of the
/// seed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coterie/cluster/shard_counters.hpp"
#include "coterie/core/bytes.hpp"
#include "coterie/sim/fault_schedule.hpp"

namespace coterie::sim {

struct RunResult {
  bool passed = false;
  std::string problem{};        ///< what was violated
  std::vector<Fault> faults{};  ///< of the seed, whether they happened or not
  std::uint64_t trace{};
  std::uint64_t events{};
  std::size_t acknowledged{};
  std::size_t attempts{};
  FaultCounts happened{};
  std::size_t looks{};                ///< reads that had to see what was acknowledged before
  std::size_t ordered{};              ///< commands of which the order was checked
  std::size_t old_copies{};           ///< of disks, that came back and were refused
  std::size_t damages{};              ///< records on a disk that changed a bit
  std::size_t snapshots{};            ///< compared with the fold of their events, on every disk
  std::size_t repeated{};             ///< commands told again, long after
  std::size_t trimmed{};              ///< logs that begin behind what was trimmed, at the end
  cluster::ShardCounters counters{};  ///< of every life
  std::map<std::string, Bytes> tapes{};
};

struct RunOptions {
  bool record = false;  ///< the result has the tape of every core of every life
  std::optional<std::vector<std::size_t>>
      only{};  ///< of the seed's faults, by number; default: all
};
[[nodiscard]] RunResult run_ledger(std::uint64_t seed, const RunOptions& options = {});

}  // namespace coterie::sim
