/// The `coterie` command.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "commands.hpp"

namespace {

void add_query_options(CLI::App& command, coterie::tools::Query& query) {
  command.add_option("--management", query.management, "management address of any node")
      ->capture_default_str();
  command.add_option("-o,--output", query.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

/// The commands that reach the whole pool.
void add_pool(CLI::App& app, coterie::tools::Query& query, int& status) {
  static coterie::tools::PoolMessage message;
  auto* event = app.add_subcommand("event", "broadcast an event to every member");
  event->add_option("NAME", message.name, "what happened")->required();
  event->add_option("PAYLOAD", message.payload, "data; with the name at most 512 bytes");
  event->add_flag("--coalesce", message.coalesce, "of several with this name the last is enough");
  event->footer("example: coterie event deploy v42");
  add_query_options(*event, query);
  event->callback([&] { status = coterie::tools::run_event(query, message); });
  auto* ask = app.add_subcommand("query", "ask every member and show what they answer");
  ask->add_option("NAME", message.name, "what is asked")->required();
  ask->add_option("PAYLOAD", message.payload, "data; with the name at most 512 bytes");
  ask->add_option("--timeout", message.timeout_s, "seconds; default: grows with the pool")
      ->check(CLI::Range(0.0, 60.0));
  ask->footer("example: coterie query load --timeout 2 -o json");
  add_query_options(*ask, query);
  ask->callback([&] { status = coterie::tools::run_query(query, message); });
  auto* monitor =
      app.add_subcommand("monitor", "show member events, user events and queries as they come");
  monitor->footer("example: coterie monitor -o json");
  add_query_options(*monitor, query);
  monitor->callback([&] { status = coterie::tools::run_monitor(query); });
  auto* keys = app.add_subcommand("keys", "change the gossip keys of the running pool");
  keys->require_subcommand(1);
  keys->footer("example: coterie keys install BASE64; coterie keys use BASE64");
  static std::string key;
  for (const auto& [action, help] :
       {std::pair{"list", "the keys of every member"},
        std::pair{"install", "every member decrypts with this key as well"},
        std::pair{"use", "every member encrypts with this key, once it is installed everywhere"},
        std::pair{"remove", "every member forgets this key"}}) {
    auto* command = keys->add_subcommand(action, help);
    if (action != std::string("list"))
      command->add_option("KEY", key, "16, 24 or 32 bytes in base64")->required();
    add_query_options(*command, query);
    command->callback([&query, &status, action = std::string(action)] {
      status = coterie::tools::run_keys(query, action, key);
    });
  }
}

/// Experiments that print figures beside their goals.
void add_experiments(CLI::App& sim, int& status) {
  static coterie::tools::ExperimentOptions options;
  for (const auto& [name, help] :
       {std::pair{"detection", "how soon a death is noticed and known; false deaths under loss"},
        std::pair{"bootstrap", "how soon everybody sees everybody when all start at once"},
        std::pair{"dissemination", "how soon a user event reaches 99.99 % of all"},
        std::pair{"rapid-faults", "one member in a hundred has a bad network: who is removed"},
        std::pair{"phi", "late answers by the distribution that sets the time-out"}}) {
    auto* command = sim.add_subcommand(name, help);
    command->add_option("--nodes", options.nodes, "members; may be repeated")
        ->check(CLI::Range(2, 100'000));
    command->add_option("--seed", options.first_seed, "first seed")->capture_default_str();
    command
        ->add_option("--runs", options.runs,
                     "runs of each (detection 200, rapid-faults 1, others 5)")
        ->check(CLI::Range(1, 1000));
    command->add_option("-o,--output", options.output, "table or json")
        ->check(CLI::IsMember({"table", "json"}));
    command->callback([&status, name = std::string(name)] {
      options.experiment = name;
      status = coterie::tools::run_sim_experiment(options);
    });
  }
}

/// Single protocols, seed after seed.
void add_protocols(CLI::App& sim, int& status) {
  static coterie::tools::SimOptions options{.seeds = 1000};
  const auto add = [&](const char* name, const char* help, auto run) {
    auto* command = sim.add_subcommand(name, help);
    command->add_option("--seed,--from", options.first_seed, "first seed")->capture_default_str();
    command->add_option("--seeds", options.seeds, "how many")->capture_default_str();
    command->add_option("-o,--output", options.output, "table or json")
        ->check(CLI::IsMember({"table", "json"}));
    command->footer("example: coterie sim " + std::string(name) + " --seeds 20000");
    command->callback([&status, run] { status = run(options); });
  };
  add("raft", "a Raft group that is killed, cut off, wiped and reconfigured",
      coterie::tools::run_sim_raft);
  add("shard", "the replicas of a shard that are killed, cut off, wiped and suspected",
      coterie::tools::run_sim_shard);
}

void add_placement(CLI::App& app, coterie::tools::Query& query, int& status) {
  static coterie::tools::PlacementWish wish;
  static int shard = 0;
  static bool dry_run = false;
  const auto add_shard = [](CLI::App* command, int& target) {
    command->add_option("SHARD", target, "0 to 255; coterie shards --of ENTITY names an entity's")
        ->required()
        ->check(CLI::Range(0, 255));
  };
  const auto add_patience = [](CLI::App* command) {
    command->add_option("--timeout", wish.patience_s, "seconds to wait for it")
        ->check(CLI::Range(0.1, 86'400.0))
        ->capture_default_str();
  };
  auto* explain = app.add_subcommand("explain", "why a shard is where it is, and what comes next");
  add_shard(explain, shard);
  explain->footer("example: coterie explain 17");
  add_query_options(*explain, query);
  explain->callback([&] { status = coterie::tools::run_explain(query, shard); });
  auto* rebalance = app.add_subcommand(
      "rebalance", "wait until the shards are spread as they should be; they spread by themselves");
  rebalance->add_flag("--dry-run", dry_run, "only show which steps are left");
  rebalance->footer("example: coterie rebalance --dry-run -o json");
  add_patience(rebalance);
  add_query_options(*rebalance, query);
  rebalance->callback(
      [&] { status = coterie::tools::run_rebalance(query, dry_run, wish.patience_s); });
  for (const auto& [action, help] :
       {std::pair{"cordon", "a node keeps its shards and gets no more"},
        std::pair{"uncordon", "the end of cordon and of drain"},
        std::pair{"drain", "a node gives all its shards and copies away; waits until it is empty"},
        std::pair{"move", "a planned move: no command fails; waits until it is done"},
        std::pair{"force-primary", "LOSSY: a copy leads on although nobody in sync is there"}}) {
    auto* command = app.add_subcommand(action, help);
    const std::string name = action;
    const bool of_shard = name == "move" || name == "force-primary";
    if (of_shard) add_shard(command, wish.shard);
    command->add_option("NODE", wish.node, "its name")->required();
    if (of_shard || name == "drain") {
      command->add_flag_callback(
          "--no-wait", [] { wish.wait = false; }, "come back at once");
      add_patience(command);
    }
    if (name == "force-primary") {
      command->add_flag("--yes", wish.yes, "do not ask");
      command->add_flag("--even-so", wish.even_so,
                        "although its primary is up, so that a move would lose nothing");
    }
    command->footer("example: coterie " + name + (of_shard ? " 17 n2" : " n2"));
    add_query_options(*command, query);
    command->callback([&query, &status, name] {
      wish.action = name;
      status = coterie::tools::run_placement(query, wish);
    });
  }
}

void add_scale(CLI::App& sim, int& status) {
  static coterie::tools::ScaleSimOptions options;
  auto* command = sim.add_subcommand("scale", "how fast a large pool at rest is simulated");
  command->add_option("--nodes", options.nodes, "members")
      ->check(CLI::Range(2, 20'000))
      ->capture_default_str();
  command->add_option("--minutes", options.minutes, "simulated")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "seed")->capture_default_str();
  command->add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->footer("example: coterie sim scale --nodes 10000 --minutes 10");
  command->callback([&status] { status = coterie::tools::run_sim_scale(options); });
}

/// The options outlive the callbacks: the command runs one of them and ends.
void add_sim(CLI::App& app, int& status) {
  static coterie::tools::SimOptions simulation;
  auto* sim = app.add_subcommand("sim", "run the simulator: the ledger property over many seeds");
  sim->add_option("--from,--seed", simulation.first_seed, "first seed")->capture_default_str();
  sim->add_option("--seeds", simulation.seeds, "how many")->capture_default_str();
  sim->add_option("-j,--jobs", simulation.jobs, "threads, each with seeds of its own")
      ->check(CLI::Range(1u, 256u))
      ->capture_default_str();
  sim->add_option_function<std::vector<std::string>>(
         "--faults",
         [](const std::vector<std::string>& numbers) {
           auto& only = simulation.only.emplace();
           for (const auto& number : numbers)
             if (number != "none") only.push_back(std::stoul(number));
         },
         "of each seed only these faults, as a shrunk failure names them: 2,5 or none")
      ->delimiter(',')
      ->check(CLI::Validator(
          [](std::string& number) {
            const bool good =
                number == "none" || (!number.empty() && number.size() < 7 &&
                                     number.find_first_not_of("0123456789") == std::string::npos);
            return good ? std::string()
                        : "'" + number + "' is no fault: give numbers, as 2,5, or none";
          },
          "NUMBERS"));
  sim->add_flag_callback(
      "--no-shrink", [] { simulation.shrinks = false; },
      "a failure is printed with all of its faults");
  sim->add_option("-o,--output", simulation.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  static coterie::tools::LifeguardSimOptions guard;
  auto* lifeguard = sim->add_subcommand(
      "lifeguard", "Lifeguard's tables: false positives, latency and load, mode by mode");
  lifeguard->add_option("--nodes", guard.nodes, "members")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  lifeguard->add_option("--seed", guard.first_seed, "first seed")->capture_default_str();
  lifeguard->add_option("--runs,--seeds", guard.runs, "runs of each cell; the paper has 10")
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
  add_protocols(*sim, status);
  add_scale(*sim, status);
  add_experiments(*sim, status);
  sim->callback([&status, sim] {
    if (sim->get_subcommands().empty()) status = coterie::tools::run_sim(simulation);
  });
}

}  // namespace

int main(int argc, char** argv) {
  // The agent takes the flags that every program on the library takes; the library reads them.
  if (argc > 1 && std::strcmp(argv[1], "agent") == 0) {
    std::vector<const char*> words(argv + 1, argv + argc);
    words.front() = "coterie agent";  // its name in usage and errors
    return coterie::tools::run_agent(argc - 1, words.data());
  }

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
  std::string entity;
  shards->add_option("--of", entity, "only the shard of this entity id");
  shards->callback([&] { status = coterie::tools::run_shards(query, entity); });
  add_placement(app, query, status);
  add_pool(app, query, status);
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
  } catch (const nlohmann::json::exception& problem) {
    std::fprintf(stderr, "coterie: %s answered something this version does not understand: %s\n",
                 query.management.c_str(), problem.what());
    return 1;
  }
  return status;
}
