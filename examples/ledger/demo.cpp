/// The demo: three processes form one system, real text streams through it, one process is killed
/// half way and restarted, and at the end every balance is compared with what `sort | uniq -c`
/// says.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "demo_cluster.hpp"
#include "demo_report.hpp"
#include "demo_words.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t in_flight = 64;
constexpr std::size_t victim = 1;  // n2: not the register's host, which is n1
constexpr auto down_time = std::chrono::seconds(1);

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
  std::printf("three ledgers run; press Ctrl-C to end them\n");
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

/// Prints progress, and plays the fault: kill half way, restart a moment later.
class Director {
 public:
  Director(DemoCluster& cluster, std::size_t total) : cluster_(cluster), total_(total) {}
  void operator()(std::size_t done) {
    if (!killed_ && done * 2 >= total_) {
      killed_ = true;
      killed_at_ = Clock::now();
      std::printf("  %zu of %zu: kill -9 %s (pid %d)\n", done, total_,
                  cluster_.nodes()[victim].name.c_str(), cluster_.nodes()[victim].pid);
      cluster_.kill_hard(victim);
    }
    if (killed_ && !restarted_ && Clock::now() - killed_at_ >= down_time) {
      restarted_ = true;
      std::printf("  %zu of %zu: restarting %s\n", done, total_,
                  cluster_.nodes()[victim].name.c_str());
      cluster_.start(victim);
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
  bool killed_ = false;
  bool restarted_ = false;
  Clock::time_point killed_at_{};
};

int run(const Options& options) {
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  const auto files = licence_files(options.texts);
  const auto words = read_words(files);
  DemoCluster cluster(options.ledger, options.directory, options.record);
  cluster.start_all();
  if (!cluster.wait_ready()) {
    std::fprintf(stderr, "demo: the cluster did not become ready; its logs are in %s\n",
                 options.directory.c_str());
    return 1;
  }
  if (options.serve) {
    serve(cluster);
    return cluster.stop_all() ? 0 : 1;
  }
  std::printf("3 processes, %zu deposits from %zu files, %zu in flight\n", words.size(),
              files.size(), in_flight);
  std::vector<std::uint16_t> ports;
  for (const auto& node : cluster.nodes()) ports.push_back(node.http);
  Director director(cluster, words.size());
  const auto load = run_load(words, ports, in_flight, [&](std::size_t done) { director(done); });
  const bool ready = cluster.wait_ready();
  const auto verdict = compare(count_words(files), ports[0]);
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
