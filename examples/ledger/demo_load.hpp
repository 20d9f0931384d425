/// The load generator: one deposit of one cent per word, a fixed number of requests in flight,
/// retried with the same command id until it is acknowledged.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

struct LoadResult {
  std::size_t acknowledged = 0;
  std::size_t retried = 0;  ///< attempts beyond the first of each deposit
  double seconds = 0;
  std::vector<double> latencies_ms;  ///< of the attempt that was acknowledged, sorted
  std::map<std::size_t, double>
      outage_ms_by_shard;  ///< longest span from a failed attempt to the next acknowledgement
};

/// `progress(done)` is called on the way; it may kill and restart processes.
[[nodiscard]] LoadResult run_load(const std::vector<std::string>& words,
                                  const std::vector<std::uint16_t>& http_ports,
                                  std::size_t in_flight,
                                  const std::function<void(std::size_t)>& progress);
