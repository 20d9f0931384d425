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
    if (flag == "-o" && i + 1 < argc) json = std::string(argv[++i]) == "json";
    else if (flag == "--rounds" && i + 1 < argc) rounds = std::max(1, std::atoi(argv[++i]));
    else if (flag == "hostile" || flag == "commits" || flag == "overload") only = flag;
    else
      return std::fprintf(
                 stderr,
                 "usage: coterie_bench [hostile|commits|overload] [-o table|json] [--rounds N]\n"),
             2;
  }
  const std::string directory = std::filesystem::current_path() / "build" / "bench-data";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  bench::Rows rows;
  if (only == "overload")
    return bench::overload_rows(rows, rounds, directory), print(rows, json), 0;
  if (only == "commits") return bench::commit_rows(rows, rounds, directory), print(rows, json), 0;
  std::fprintf(stderr, "hostile input ...\n");  // first: it measures memory
  bench::hostile_rows(rows, rounds);
  if (only == "hostile") return print(rows, json), 0;
  std::fprintf(stderr, "codec and table ...\n");
  bench::codec_rows(rows, rounds);
  std::fprintf(stderr, "messages ...\n");
  bench::message_rows(rows, rounds, directory);
  std::fprintf(stderr, "journal ...\n");
  bench::journal_rows(rows, rounds, directory);
  std::fprintf(stderr, "commits ...\n");
  bench::commit_rows(rows, rounds, directory);
  std::fprintf(stderr, "overload ...\n");
  bench::overload_rows(rows, rounds, directory);
  print(rows, json);
  std::filesystem::remove_all(directory);
  return 0;
}
