#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/heal_run.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

constexpr double goal_s = 90;

}  // namespace

int run_sim_heal(const HealSimOptions& options) {
  auto out = nlohmann::json::array();
  std::vector<std::vector<std::string>> table{{"SPLIT", "NODES", "MEDIAN s", "WORST s", "GOAL s"}};
  bool good = true;
  for (const auto& which : sim::heal_cases()) {
    std::vector<double> times;
    bool all = true;
    for (std::uint64_t run = 0; run < options.runs; ++run) {
      const auto result = sim::run_heal(which, options.first_seed + run);
      all = all && result.noticed && result.healed_s.has_value();
      times.push_back(result.healed_s.value_or(1e9));
    }
    std::sort(times.begin(), times.end());
    const auto text = [&](double value) {
      char buffer[32];
      std::snprintf(buffer, sizeof buffer, "%.1f", value);
      return all ? std::string(buffer) : std::string("never");
    };
    good = good && all && times.back() <= goal_s;
    table.push_back({which.name, std::to_string(which.nodes), text(times[times.size() / 2]),
                     text(times.back()), "90.0"});
    out.push_back({{"split", which.name},
                   {"nodes", which.nodes},
                   {"healed", all},
                   {"median_s", all ? nlohmann::json(times[times.size() / 2]) : nullptr},
                   {"worst_s", all ? nlohmann::json(times.back()) : nullptr}});
  }
  std::printf("%s",
              options.output == "json" ? (out.dump() + "\n").c_str() : format_table(table).c_str());
  return good ? 0 : 1;
}

}  // namespace coterie::tools
