#include "coterie/sim/membership_runs.hpp"

#include <algorithm>
#include <cmath>

#include "coterie/sim/pool.hpp"

namespace coterie::sim {
namespace {

constexpr double theory_periods = 1.582;  // e / (e - 1), SWIM section 3.2
constexpr Duration warm_up = 15s;
constexpr Duration patience = 120s;
constexpr Duration look = 10ms;
constexpr std::uint64_t max_lossy_hours = 5;  // the kills want more runs than the lossy hours

std::string label(const std::string& what, std::size_t nodes) {
  return what + ", " + std::to_string(nodes) + " members";
}

struct Noticed {
  double suspected = 0, first = 0, all = 0;
};

Noticed kill_one(std::size_t nodes, std::uint64_t seed, bool host_lives) {
  Pool pool({.nodes = nodes, .seed = seed});
  Random random(seed);
  pool.run_until(pool.now() + warm_up + random.below(Duration{1s}));
  const auto victim = random.below(std::uint64_t{nodes});
  const auto name = pool.swim(victim).self().name;
  Noticed noticed;
  std::size_t know = 0;
  const auto began = pool.now();
  pool.on_state = [&](std::size_t, const membership::Member& about) {
    if (about.name != name) return;
    const auto after = in_seconds(pool.now() - began);
    if (about.state == membership::MemberState::suspect && noticed.suspected == 0)
      noticed.suspected = after;
    if (about.state != membership::MemberState::dead) return;
    if (know++ == 0) noticed.first = after;
    if (know == nodes - 1) noticed.all = after;
  };
  pool.kill(victim, host_lives);
  while (know < nodes - 1 && pool.now() < began + patience) pool.run_until(pool.now() + look);
  return noticed;
}

std::size_t false_deaths(double loss, std::uint64_t seed) {
  Pool pool({.nodes = 32, .seed = seed, .loss = loss});
  std::size_t deaths = 0;
  pool.on_death = [&](std::size_t, std::size_t) { ++deaths; };
  pool.run_until(pool.now() + 3600s);
  return deaths;
}

}  // namespace

Figures run_detection(const std::vector<std::size_t>& sizes, const ExperimentOptions& options) {
  Figures out;
  for (const auto nodes : sizes)
    for (const bool host_lives : {true, false}) {
      std::vector<double> suspected, first, all;
      for (std::uint64_t run = 0; run < options.runs; ++run) {
        const auto noticed = kill_one(nodes, options.first_seed + run, host_lives);
        suspected.push_back(noticed.suspected);
        first.push_back(noticed.first);
        all.push_back(noticed.all == 0 ? in_seconds(patience) : noticed.all);
      }
      const auto who = host_lives ? std::string("killed process: ") : std::string("silent host: ");
      double mean = 0;
      for (const auto value : suspected) mean += value / static_cast<double>(suspected.size());
      out.push_back({label(who + "first failed probe, mean", nodes), mean, "periods",
                     theory_periods * 1.05, "1.58 in theory"});
      out.push_back({label(who + "first death, median", nodes), median(first), "s", 0,
                     nodes == 32 ? "memberlist 8.3" : ""});
      out.push_back({label(who + "all know, median", nodes), median(all), "s",
                     nodes == 32 ? 4.0 : 0, nodes == 32 ? "memberlist 8.6" : ""});
    }
  std::size_t deaths = 0;
  const auto hours = std::min(options.runs, max_lossy_hours);
  for (std::uint64_t run = 0; run < hours; ++run)
    deaths += false_deaths(0.2, options.first_seed + run);
  out.push_back({"false deaths in " + std::to_string(hours) + " hours at 20 % loss, 32 members",
                 static_cast<double>(deaths), "", 0, "", true});
  return out;
}

Figures run_bootstrap(const std::vector<std::size_t>& sizes, const ExperimentOptions& options) {
  Figures out;
  for (const auto nodes : sizes) {
    std::vector<double> times;
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      Pool pool({.nodes = nodes, .seed = options.first_seed + run, .formed = false});
      const auto began = pool.now();
      while (!pool.all_alive() && pool.now() < began + patience)
        pool.run_until(pool.now() + (nodes > 500 ? 10 : 1) * look);
      times.push_back(in_seconds(pool.now() - began));
    }
    const bool large = nodes > 128;
    out.push_back({label("everybody sees everybody, worst", nodes), worst(times), "s",
                   large ? 40.0 : 2.0,
                   large ? "Rapid 41-47, memberlist 95 (2,000)" : "memberlist 0.6-89"});
  }
  return out;
}

Figures run_dissemination(const std::vector<std::size_t>& sizes, const ExperimentOptions& options) {
  Figures out;
  for (const auto nodes : sizes)
    for (const double loss : {0.0, 0.25}) {
      std::vector<double> times;
      for (std::uint64_t run = 0; run < options.runs; ++run) {
        Pool pool({.nodes = nodes, .seed = options.first_seed + run, .loss = loss});
        const auto wanted =
            static_cast<std::size_t>(std::ceil(0.9999 * static_cast<double>(nodes)));
        std::size_t heard = 0;
        pool.run_until(pool.now() + 1s);
        const auto began = pool.now();
        pool.on_event = [&](std::size_t) {
          if (++heard == wanted) times.push_back(in_seconds(pool.now() - began));
        };
        pool.broadcast(0, "e");
        while (heard < wanted && pool.now() < began + patience) pool.run_until(pool.now() + look);
        if (heard < wanted) times.push_back(in_seconds(patience));
      }
      const bool large = nodes > 1000;
      const double goal = loss == 0 ? (large ? 2.6 : 2.2) : (large ? 3.4 : 3.0);
      out.push_back({label(loss == 0 ? "99.99 % heard, median" : "the same at 25 % loss", nodes),
                     median(times), "s", goal, "Serf's simulator, the same"});
    }
  return out;
}

}  // namespace coterie::sim
