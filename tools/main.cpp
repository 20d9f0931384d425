/// The `coterie` command.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "commands.hpp"

namespace {

void add_query_options(CLI::App& command, coterie::tools::Query& query) {
  command.add_option("--management", query.management, "management address of any node")
      ->capture_default_str();
  command.add_option("-o,--output", query.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

/// The options outlive the callbacks: the command runs one of them and ends.
void add_sim(CLI::App& app, int& status) {
  static coterie::tools::SimOptions simulation;
  auto* sim = app.add_subcommand("sim", "run the simulator: the ledger property over many seeds");
  sim->add_option("--seed", simulation.first_seed, "first seed")->capture_default_str();
  sim->add_option("--seeds", simulation.seeds, "how many")->capture_default_str();
  sim->add_option("-o,--output", simulation.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  static coterie::tools::LifeguardSimOptions guard;
  auto* lifeguard = sim->add_subcommand(
      "lifeguard", "Lifeguard's tables: false positives, latency and load, mode by mode");
  lifeguard->add_option("--nodes", guard.nodes, "members")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  lifeguard->add_option("--seed", guard.first_seed, "first seed")->capture_default_str();
  lifeguard->add_option("--runs", guard.runs, "runs of each cell; the paper has 10")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  lifeguard->add_flag("--quick", guard.quick, "a corner of the grid, in seconds");
  lifeguard->add_option("-o,--output", guard.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  lifeguard->callback([&status] { status = coterie::tools::run_sim_lifeguard(guard); });
  static coterie::tools::HealSimOptions healing;
  auto* heal = sim->add_subcommand("heal", "how soon a pool is one again after a split");
  heal->add_option("--seed", healing.first_seed, "first seed")->capture_default_str();
  heal->add_option("--runs", healing.runs, "runs of each case")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  heal->add_option("-o,--output", healing.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  heal->callback([&status] { status = coterie::tools::run_sim_heal(healing); });
  sim->callback([&status, sim] {
    if (sim->get_subcommands().empty()) status = coterie::tools::run_sim(simulation);
  });
}

}  // namespace

int main(int argc, char** argv) {
  // The agent takes the flags that every program on the library takes; the library reads them.
  if (argc > 1 && std::strcmp(argv[1], "agent") == 0)
    return coterie::tools::run_agent(argc - 1, argv + 1);

  CLI::App app{"Coterie: self-organizing, self-healing systems of C++ services"};
  app.require_subcommand(1);
  app.footer("example: coterie members --management 127.0.0.1:7948 -o json");
  coterie::tools::Query query;
  int status = 0;
  app.add_subcommand(
      "agent", "run a node that takes part in membership; `coterie agent --help` lists its flags");
  auto* members = app.add_subcommand("members", "list the members as one node sees them");
  add_query_options(*members, query);
  members->callback([&] { status = coterie::tools::run_members(query); });
  auto* shards = app.add_subcommand("shards", "list who owns which shard, and under which epoch");
  add_query_options(*shards, query);
  shards->callback([&] { status = coterie::tools::run_shards(query); });
  add_sim(app, status);
  // CLI11 would only say that a subcommand is required.
  const auto commands = app.get_subcommands({});
  const bool known = argc < 2 || argv[1][0] == '-' ||
                     std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) {
                       return command->get_name() == argv[1];
                     });
  if (!known) {
    std::fprintf(stderr, "coterie: unknown command '%s'; coterie --help lists the commands\n",
                 argv[1]);
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    const auto code = app.exit(problem);
    return code == 0 ? 0 : 2;
  }
  return status;
}
