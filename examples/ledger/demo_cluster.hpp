/// Five ledger processes on loopback: started and killed by their process ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct LedgerProcess {
  std::string name;
  std::uint16_t gossip{}, link{}, management{}, http{};
  int pid = -1;
};

class DemoCluster {
 public:
  static constexpr std::size_t size = 5;
  /// With `record`, every node records what it is given.
  DemoCluster(std::string ledger_binary, std::string directory, bool record);
  ~DemoCluster();  ///< ends what still runs
  DemoCluster(const DemoCluster&) = delete;
  DemoCluster& operator=(const DemoCluster&) = delete;

  void start_all();
  void start(std::size_t index);
  void kill_hard(std::size_t index);
  /// SIGTERM to all; true if every process left with status 0 within 10 s.
  bool stop_all();
  [[nodiscard]] bool wait_ready();   ///< all that were not killed
  [[nodiscard]] bool wait_voters();  ///< until all nodes vote on the placement registers
  /// Replays each node's recording; true if all had the same effects again.
  [[nodiscard]] bool replay_all() const;
  [[nodiscard]] const std::vector<LedgerProcess>& nodes() const { return nodes_; }

 private:
  [[nodiscard]] std::string recording(const LedgerProcess& node) const;
  std::string binary_;
  std::string directory_;
  bool record_;
  std::vector<LedgerProcess> nodes_;
};

/// One GET on loopback; empty on any failure.
[[nodiscard]] std::string http_get(std::uint16_t port, const std::string& target);
