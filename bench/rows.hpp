/// A benchmark row: the median of several rounds, with the extremes. Each group of rows that is
/// compared runs interleaved, round by round, because this kind of host is noisy.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Row {
  std::string name;
  std::string unit;
  std::vector<double> rounds;
};
using Rows = std::vector<Row>;

[[nodiscard]] inline double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

inline void add(Rows& rows, const std::string& name, const std::string& unit, double value) {
  for (auto& row : rows)
    if (row.name == name) return row.rounds.push_back(value);
  rows.push_back({name, unit, {value}});
}

/// Bytes of payload in the message rows.
inline constexpr std::size_t sizes[] = {64, 1024};

void codec_rows(Rows& rows, int rounds);
/// What one datagram or stream of a stranger costs at most; the goal is 10 ms and 64 MiB.
void hostile_rows(Rows& rows, int rounds);
void journal_rows(Rows& rows, int rounds, const std::string& directory);
/// The physical limit, events of 256 B a second: one write and one fdatasync of a growing file per
/// batch.
[[nodiscard]] double raw_commits(const std::string& file, std::size_t batch);
/// Entities that record events, at one node and at three; recovery; an idle entity.
void commit_rows(Rows& rows, int rounds, const std::string& directory);
int run_recorder(int argc, char** argv);
/// Five times as many commands as their owner can do.
void overload_rows(Rows& rows, int rounds, const std::string& directory);
int run_worker(int argc, char** argv);
/// Local and two-process rows of coterie, interleaved with the raw Asio pair.
void message_rows(Rows& rows, int rounds, const std::string& directory);
/// The child's side of the two-process rows.
int run_peer(int argc, char** argv);

/// A raw Asio pair in two processes that exchanges frames of the same size, coalesced as a lane
/// does.
class RawPair {
 public:
  RawPair();
  ~RawPair();
  RawPair(const RawPair&) = delete;
  RawPair& operator=(const RawPair&) = delete;
  [[nodiscard]] std::vector<double> round_trips_us(std::size_t payload, std::size_t count);
  [[nodiscard]] double window_per_second(std::size_t payload, std::size_t count,
                                         std::size_t window);
  [[nodiscard]] double oneway_per_second(std::size_t payload, std::size_t count);

 private:
  int socket_ = -1;
  int child_ = -1;
};

}  // namespace bench
