/// The demo: five processes form one system, real text streams through it, two processes are killed
/// one after the other and never return, and at the end every balance is compared with what `sort |
/// uniq -c` says.
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "demo_cluster.hpp"
#include "demo_report.hpp"
#include "demo_words.hpp"

namespace {

constexpr std::size_t in_flight = 64;
/// Who is killed for good, and when. n1 formed the cluster, and may lead the registers.
struct Kill {
  std::size_t node;
  std::size_t at_tenth;
};
constexpr Kill kills[] = {{1, 3}, {0, 6}};

struct Options {
  std::string ledger;
  std::string directory = "demo-data";
  std::string texts = "/usr/share/common-licenses";
  bool serve = false;
  bool record = false;
};

bool parse(int argc, char** argv, Options& options) {
  options.ledger = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ledger";
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--serve") options.serve = true;
    else if (flag == "--record") options.record = true;
    else if (flag == "--directory" && i + 1 < argc) options.directory = argv[++i];
    else if (flag == "--texts" && i + 1 < argc) options.texts = argv[++i];
    else
      return std::fprintf(
                 stderr,
                 "usage: ledger_demo [--serve] [--record] [--directory DIR] [--texts DIR]\n"),
             false;
  }
  return true;
}

void serve(const DemoCluster& cluster) {
  std::printf("five ledgers run; press Ctrl-C to end them\n");
  for (const auto& n : cluster.nodes())
    std::printf("  %s  http://127.0.0.1:%u  management http://127.0.0.1:%u  pid %d\n",
                n.name.c_str(), n.http, n.management, n.pid);
  std::printf(
      "try: curl -d '{\"cents\":5,\"id\":\"1\"}' http://127.0.0.1:%u/accounts/alice/deposit\n",
      cluster.nodes()[0].http);
  std::fflush(stdout);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  int received = 0;
  sigwait(&set, &received);
}

/// Prints progress, and plays the faults.
class Director {
 public:
  Director(DemoCluster& cluster, std::size_t total) : cluster_(cluster), total_(total) {}
  void operator()(std::size_t done) {
    while (killed_ < std::size(kills) && done * 10 >= total_ * kills[killed_].at_tenth) {
      const auto& victim = cluster_.nodes()[kills[killed_].node];
      std::printf("  %zu of %zu: kill -9 %s (pid %d), for good\n", done, total_,
                  victim.name.c_str(), victim.pid);
      cluster_.kill_hard(kills[killed_++].node);
    }
    if (done * 10 / total_ > tenths_) {
      tenths_ = done * 10 / total_;
      std::printf("  %3zu %%\n", tenths_ * 10);
    }
    std::fflush(stdout);
  }

 private:
  DemoCluster& cluster_;
  std::size_t total_;
  std::size_t tenths_ = 0;
  std::size_t killed_ = 0;
};

int run(const Options& options) {
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  const auto files = licence_files(options.texts);
  const auto words = read_words(files);
  DemoCluster cluster(options.ledger, options.directory, options.record);
  cluster.start_all();
  if (!cluster.wait_ready() || !cluster.wait_voters()) {
    std::fprintf(stderr, "demo: the cluster did not become ready; its logs are in %s\n",
                 options.directory.c_str());
    return 1;
  }
  if (options.serve) {
    serve(cluster);
    return cluster.stop_all() ? 0 : 1;
  }
  std::printf("%zu processes, %zu deposits from %zu files, %zu in flight\n", cluster.nodes().size(),
              words.size(), files.size(), in_flight);
  std::vector<std::uint16_t> ports;
  for (const auto& node : cluster.nodes()) ports.push_back(node.http);
  Director director(cluster, words.size());
  const auto load = run_load(words, ports, in_flight, [&](std::size_t done) { director(done); });
  const bool ready = cluster.wait_ready();
  const auto verdict = compare(count_words(files), ports.back());
  const bool clean = cluster.stop_all();
  print_report(load, verdict, clean);
  const bool replayed = !options.record || cluster.replay_all();
  const bool good = ready && clean && replayed && verdict.lost == 0 && verdict.doubled == 0 &&
                    verdict.unread == 0 && load.acknowledged == words.size();
  std::printf("\n%s\n", good ? "demo: every acknowledged cent is there, once" : "demo: FAILED");
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) return 2;
  sigset_t set;  // for --serve: the signals are waited for
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (options.serve) sigprocmask(SIG_BLOCK, &set, nullptr);
  try {
    return run(options);
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "demo: %s\n", problem.what());
    return 1;
  }
}
