/// The benchmarks. Prints one table, or with -o json an array of {name, value, unit, min, max,
/// rounds}.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "rows.hpp"

namespace {

void print(const bench::Rows& rows, bool json) {
  auto out = nlohmann::json::array();
  if (!json) std::printf("%-44s %14s %14s %14s  %s\n", "NAME", "MEDIAN", "MIN", "MAX", "UNIT");
  for (const auto& row : rows) {
    auto sorted = row.rounds;
    std::sort(sorted.begin(), sorted.end());
    const auto median = sorted[sorted.size() / 2];
    if (json)
      out.push_back({{"name", row.name},
                     {"value", median},
                     {"unit", row.unit},
                     {"min", sorted.front()},
                     {"max", sorted.back()},
                     {"rounds", sorted.size()}});
    else
      std::printf("%-44s %14.2f %14.2f %14.2f  %s\n", row.name.c_str(), median, sorted.front(),
                  sorted.back(), row.unit.c_str());
  }
  if (json) std::printf("%s\n", out.dump(1).c_str());
}

struct Group {
  std::string_view name;
  void (*rows)(bench::Rows& rows, int rounds, const std::string& directory);
};
/// `hostile` measures memory: it goes first, while nothing else was allocated.
constexpr Group groups[] = {
    {"hostile", [](bench::Rows& r, int n, const std::string&) { bench::hostile_rows(r, n); }},
    {"codec", [](bench::Rows& r, int n, const std::string&) { bench::codec_rows(r, n); }},
    {"messages", bench::message_rows},
    {"journal", bench::journal_rows},
    {"commits", bench::commit_rows},
    {"overload", bench::overload_rows},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--peer") == 0) return bench::run_peer(argc, argv);
  if (argc > 1 && std::strcmp(argv[1], "--recorder") == 0) return bench::run_recorder(argc, argv);
  if (argc > 1 && std::strcmp(argv[1], "--worker") == 0) return bench::run_worker(argc, argv);
  bool json = false;
  int rounds = 5;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto names = [&](const Group& group) { return group.name == flag; };
    if (flag == "-o" && i + 1 < argc) json = std::string(argv[++i]) == "json";
    else if (flag == "--rounds" && i + 1 < argc) rounds = std::max(1, std::atoi(argv[++i]));
    else if (std::any_of(std::begin(groups), std::end(groups), names)) only = flag;
    else {
      std::fprintf(stderr, "usage: coterie_bench [GROUP] [-o table|json] [--rounds N]\ngroups:");
      for (const auto& group : groups) std::fprintf(stderr, " %s", group.name.data());
      return std::fprintf(stderr, "\n"), 2;
    }
  }
  const std::string directory = std::filesystem::current_path() / "build" / "bench-data";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  bench::Rows rows;
  for (const auto& group : groups) {
    if (!only.empty() && only != group.name) continue;
    std::fprintf(stderr, "%s ...\n", group.name.data());
    group.rows(rows, rounds, directory);
  }
  print(rows, json);
  std::filesystem::remove_all(directory);
  return 0;
}
