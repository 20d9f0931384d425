#include "coterie/config.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>

namespace coterie {
namespace {

struct Option {
  std::string name;
  std::string value;
  std::string help;
  std::function<bool(const std::string&)> set;
};

template <class T>
std::function<bool(const std::string&)> number(T& target, T min) {
  return [&target, min](const std::string& text) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), target);
    return problem == std::errc{} && end == text.data() + text.size() && target >= min;
  };
}

std::function<bool(const std::string&)> yes_or_no(bool& target) {
  return [&target](const std::string& text) {
    target = text == "yes";
    return target || text == "no";
  };
}

std::function<bool(const std::string&)> assign(std::string& target) {
  return [&target](const std::string& text) { return target = text, !text.empty(); };
}

[[noreturn]] void fail(const std::string& program, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), what.c_str());
  std::exit(2);
}

void print_help(const std::string& program, const std::vector<Option>& options) {
  std::printf("usage: %s --name NAME [flags]\n\n", program.c_str());
  for (const auto& o : options)
    std::printf("  %-32s %s\n", (o.name + " " + o.value).c_str(), o.help.c_str());
  std::printf("\nexample: %s --name a --bootstrap-expect 1\n", program.c_str());
}

/// What belongs to the gossip port.
std::vector<Option> pool_options(Config& config) {
  return {
      {"--key", "BASE64", "gossip key of 16, 24 or 32 bytes; repeatable, the first encrypts",
       [&config](const std::string& text) { return config.keys.push_back(text), !text.empty(); }},
      {"--verify-incoming", "yes|no",
       "with --key: refuse plain text (yes); no while a pool migrates",
       yes_or_no(config.verify_incoming)},
      {"--verify-outgoing", "yes|no",
       "with --key: encrypt what is sent (yes); no while it migrates",
       yes_or_no(config.verify_outgoing)},
      {"--label", "L", "hear only gossip under this label; the same on every node",
       assign(config.label)},
      {"--pool", "native|memberlist|serf", "take part in a foreign pool (native)",
       [&config](const std::string& text) {
         config.pool = text;
         return text == "native" || text == "memberlist" || text == "serf";
       }},
      {"--tag", "K=V", "tag that Serf shows, with --pool serf; repeatable",
       [&config](const std::string& text) {
         config.tags.push_back(text);
         return text.find('=') != std::string::npos && text.front() != '=';
       }},
      {"--profile", "lan|wan|local", "membership time-outs (lan)",
       [&config](const std::string& text) {
         config.profile = text;
         return text == "lan" || text == "wan" || text == "local";
       }}};
}

/// Where shards are, and how they are kept and read.
std::vector<Option> placement_options(Config& config) {
  return {
      {"--replicas", "N", "copies of each shard, 1 to 5, the same on every node (3)",
       number(config.replicas, std::uint32_t{1})},
      {"--min-in-sync", "N", "copies that hold what is acknowledged, at most --replicas (2)",
       number(config.min_in_sync, std::uint32_t{1})},
      {"--read-lease", "MS",
       "so long a shard answers reads without asking its copies, 0 to 500 ms, the same on every "
       "node (0: it asks); trusts that clocks run evenly",
       [&](const std::string& text) {
         std::uint32_t ms = 0;
         return number(ms, std::uint32_t{0})(text) &&
                (config.read_lease = std::chrono::milliseconds(ms), true);
       }},
      {"--keep-history", "KIB",
       "of each shard's log at least so much is kept, what is older is trimmed; 0: all of it (0)",
       [&](const std::string& text) {
         std::uint64_t kib = 0;
         return number(kib, std::uint64_t{0})(text) && kib <= UINT64_MAX / 1024 &&
                (config.keep_history = kib * 1024, true);
       }},
      {"--zone", "Z", "failure zone, over which copies are spread (each node its own)",
       assign(config.zone)},
      {"--weight", "N", "share of the shards beside the others' weights, 0 to 1000 (1)",
       number(config.weight, std::uint32_t{0})},
      {"--role", "R", "what this node is for; repeatable",
       [&](const std::string& text) { return config.roles.push_back(text), !text.empty(); }},
      {"--shards-on", "R", "only nodes of this role have shards, the same on every node (all)",
       assign(config.shards_on)}};
}

}  // namespace

Config config_from(int argc, const char* const* argv, std::initializer_list<Flag> own) {
  Config config;
  std::vector<Option> options{
      {"--name", "NAME", "unique in the cluster, the same at every start (required)",
       assign(config.name)},
      {"--gossip", "H:P", "membership, UDP and TCP (127.0.0.1:7946)", assign(config.gossip)},
      {"--link", "H:P", "entity messages, TCP (127.0.0.1:7947)", assign(config.link)},
      {"--management", "H:P", "health, metrics, members, shards, HTTP (127.0.0.1:7948)",
       assign(config.management)},
      {"--advertise", "H:P", "gossip address that peers are told, if not --gossip",
       assign(config.advertise)},
      {"--dns", "H:P", "name server for --join (as the host does)", assign(config.dns)},
      {"--join", "H:P", "seed: ADDRESS:PORT, NAME:PORT, srv:NAME or file:PATH; repeatable",
       [&](const std::string& text) { return config.join.push_back(text), true; }},
      {"--data", "DIR", "data directory (./NAME.coterie); its parent must exist",
       assign(config.data)},
      {"--bootstrap-expect", "N", "without --join: live members that form a new cluster (1)",
       number(config.bootstrap_expect, std::uint32_t{1})},
      {"--workers", "N", "threads that own shards; 0 = one thread for everything (1)",
       number(config.workers, std::uint16_t{0})},
      {"--record", "DIR", "record every input there, to be replayed (off); costs disk and speed",
       assign(config.record)}};
  for (auto more : {placement_options(config), pool_options(config)})
    for (auto& option : more) options.push_back(std::move(option));
  for (const auto& flag : own)
    options.push_back({flag.name, flag.value, flag.help, assign(*flag.target)});
  std::string program = argc > 0 ? argv[0] : "coterie";
  program = program.substr(program.rfind('/') + 1);
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--help" || name == "-h") {
      print_help(program, options);
      std::exit(0);
    }
    std::string value;
    const auto equals = name.find('=');
    const bool inline_value = equals != std::string::npos;
    if (inline_value) value = name.substr(equals + 1), name.resize(equals);
    const Option* option = nullptr;
    for (const auto& o : options)
      if (o.name == name) option = &o;
    if (option == nullptr) fail(program, "unknown flag '" + name + "'; --help lists the flags");
    if (!inline_value && ++i >= argc)
      fail(program, name + " needs a value: " + name + " " + option->value);
    if (!inline_value) value = argv[i];
    if (!option->set(value))
      fail(program,
           "bad value '" + value + "' for " + name + ": write " + name + " " + option->value);
  }
  if (config.name.empty())
    fail(program, "--name is missing: give this node a name that no other node of the cluster has");
  return config;
}

}  // namespace coterie
