#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/membership_runs.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 1 && value > 0 ? "%.3f" : "%.2f", value);
  return text;
}

std::string goal_of(const sim::Figure& figure) {
  if (figure.none_better) return "0";
  return figure.goal > 0 ? "<= " + number(figure.goal) : "";
}

sim::Figures run(const ExperimentOptions& options) {
  const std::uint64_t steady = options.experiment == "detection"      ? 200
                               : options.experiment == "rapid-faults" ? 1
                                                                      : 5;
  const sim::ExperimentOptions how{options.first_seed, options.runs > 0 ? options.runs : steady};
  const auto sizes = [&](std::vector<std::size_t> defaults) {
    return options.nodes.empty() ? defaults : options.nodes;
  };
  if (options.experiment == "detection") return sim::run_detection(sizes({16, 32, 128}), how);
  if (options.experiment == "bootstrap") return sim::run_bootstrap(sizes({32, 64, 128}), how);
  if (options.experiment == "dissemination") return sim::run_dissemination(sizes({1000}), how);
  if (options.experiment == "rapid-faults") return sim::run_rapid_faults(sizes({1000}), how);
  return sim::run_phi(how);
}

}  // namespace

int run_sim_experiment(const ExperimentOptions& options) {
  const auto figures = run(options);
  bool good = true;
  auto out = nlohmann::json::array();
  std::vector<std::vector<std::string>> table{{"WHAT", "VALUE", "GOAL", "", "OTHERS"}};
  for (const auto& f : figures) {
    good = good && f.met();
    table.push_back({f.what, number(f.value) + (f.unit.empty() ? "" : " " + f.unit), goal_of(f),
                     f.met() ? "" : "MISSED", f.beside});
    out.push_back({{"what", f.what},
                   {"value", f.value},
                   {"unit", f.unit},
                   {"goal", f.goal > 0 || f.none_better ? nlohmann::json(f.goal) : nullptr},
                   {"met", f.met()},
                   {"others", f.beside}});
  }
  std::printf("%s",
              options.output == "json" ? (out.dump() + "\n").c_str() : format_table(table).c_str());
  return good ? 0 : 1;
}

}  // namespace coterie::tools
