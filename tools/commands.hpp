/// The subcommands of `coterie`. Each answers the process's exit code: 0 done, 1 failed, 2 wrong
/// usage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coterie::tools {

/// What the read commands share.
struct Query {
  std::string management = "127.0.0.1:7948";
  std::string output = "table";  ///< or "json"
};

inline constexpr std::uint64_t twice_every =
    20;  // 5 % of the seeds run twice: the trace must be equal

struct SimOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 200;
  unsigned jobs = 1;                               ///< threads
  std::optional<std::vector<std::size_t>> only{};  ///< of a seed's faults
  bool shrinks = true;                             ///< the faults of what fails
  std::string output = "table";
};

struct LifeguardSimOptions {
  std::size_t nodes = 128;
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 1;
  bool quick = false;
  std::string output = "table";
};

struct HealSimOptions {
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 5;
  std::string output = "table";
};

struct ScaleSimOptions {
  std::size_t nodes = 10'000;
  double minutes = 10;
  std::uint64_t seed = 1;
  std::string output = "table";
};
/// Exit code 1 if not everybody learns of a death.
[[nodiscard]] int run_sim_scale(const ScaleSimOptions& options);

struct ExperimentOptions {
  std::string experiment{};          ///< detection, bootstrap, dissemination, rapid-faults or phi
  std::vector<std::size_t> nodes{};  ///< empty: the sizes of the goals
  std::uint64_t first_seed = 1;
  std::uint64_t runs = 0;  ///< 0: as many as the figure needs to be steady
  std::string output = "table";
};
/// Exit code 1 if a goal is missed.
[[nodiscard]] int run_sim_experiment(const ExperimentOptions& options);
[[nodiscard]] int run_sim_heal(const HealSimOptions& options);
[[nodiscard]] int run_sim_lifeguard(const LifeguardSimOptions& options);
[[nodiscard]] int run_sim(const SimOptions& options);
[[nodiscard]] int run_sim_raft(const SimOptions& options);
[[nodiscard]] int run_sim_shard(const SimOptions& options);
[[nodiscard]] int run_agent(int argc, const char* const* argv);
[[nodiscard]] int run_members(const Query& query);
/// With `entity`, only the shard that this entity belongs to.
[[nodiscard]] int run_shards(const Query& query, const std::string& entity);

[[nodiscard]] int run_explain(const Query& query, int shard);
/// What an operator wants of the placement of shards.
struct PlacementWish {
  std::string action{};  ///< cordon, uncordon, drain, move or force-primary
  std::string node{};
  int shard = -1;
  bool wait = true;      ///< until it is done
  bool yes = false;      ///< does not ask
  bool even_so = false;  ///< force-primary: although the primary is up
  double patience_s = 600;
};
[[nodiscard]] int run_placement(const Query& query, const PlacementWish& wish);
/// `dry_run`: shows the steps; else waits until there are none.
[[nodiscard]] int run_rebalance(const Query& query, bool dry_run, double patience_s);

/// What is said to the whole pool.
struct PoolMessage {
  std::string name{}, payload{};
  bool coalesce = false;
  double timeout_s = 0;  ///< 0: the pool's default
};
[[nodiscard]] int run_event(const Query& where, const PoolMessage& message);
[[nodiscard]] int run_query(const Query& where, const PoolMessage& message);
[[nodiscard]] int run_monitor(const Query& where);
/// `action`: list, install, use or remove.
[[nodiscard]] int run_keys(const Query& where, const std::string& action, const std::string& key);

}  // namespace coterie::tools
