#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "coterie/sim/scale_run.hpp"

namespace coterie::tools {
namespace {

constexpr double goal_rate = 25;  // node-hours a second of one core

double peak_gib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024 * 1024);
}

/// Many gigabytes in small pieces: with pages of 4 KiB the kernel alone takes a minute for them.
/// The allocator reads this setting when a process begins, so it begins again.
void use_huge_pages() {
  constexpr auto setting = "GLIBC_TUNABLES";
  if (std::getenv(setting) != nullptr) return;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  setenv(setting, "glibc.malloc.hugetlb=1", 1);
  (void)execv("/proc/self/exe", arguments.data());  // if it fails, it is only slower
}

}  // namespace

int run_sim_scale(const ScaleSimOptions& options) {
  use_huge_pages();
  const auto began = std::chrono::steady_clock::now();
  const auto run = sim::run_scale(
      options.nodes, Duration{static_cast<std::int64_t>(options.minutes * 60e9)}, options.seed);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const auto rate = run.node_hours / took.count();
  const bool good = run.know + 1 == options.nodes;
  if (options.output == "json") {
    std::printf("%s\n", nlohmann::json{{"nodes", options.nodes},
                                       {"minutes", options.minutes},
                                       {"wall_s", took.count()},
                                       {"node_hours_per_s", rate},
                                       {"peak_gib", peak_gib()},
                                       {"messages_per_node_s", run.messages_per_node_second},
                                       {"bytes_per_node_s", run.bytes_per_node_second},
                                       {"know_of_the_death", run.know},
                                       {"trace", run.trace}}
                            .dump()
                            .c_str());
  } else {
    std::printf(
        "%zu members, %.1f min in %.1f s: %.1f node-hours/s (goal %.0f), %.2f GiB, %.2f messages "
        "and %.0f B a member and second; %zu know of the death; trace %016llx\n",
        options.nodes, options.minutes, took.count(), rate, goal_rate, peak_gib(),
        run.messages_per_node_second, run.bytes_per_node_second, run.know,
        static_cast<unsigned long long>(run.trace));
  }
  return good ? 0 : 1;
}

}  // namespace coterie::tools
