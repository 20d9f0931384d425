/// Writes the tapes of one node's workers to files, on a thread of its own, so that a slow disk
/// never delays a worker. A tape with a hole is worthless: one that cannot be written, or that
/// outgrows its bound, ends there and says so. Thread-safety: the functions that file() returns may
/// be called from any thread, each from one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "coterie/core/bytes.hpp"
#include "coterie/core/log.hpp"
#include "coterie/core/result.hpp"

namespace coterie {

/// Bytes that wait for the disk, and bytes of one node's recording.
inline constexpr std::size_t max_recording_backlog = 64 * 1024 * 1024;
inline constexpr std::uint64_t max_recording_bytes = std::uint64_t{4} << 30;

class Recorder {
 public:
  /// Creates the last component of `directory`; a missing parent is an error.
  [[nodiscard]] static Result<std::unique_ptr<Recorder>> open(std::string directory, LogSink log);
  /// Writes what is there and ends.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// Where one tape goes; the Recorder outlives what it returns.
  [[nodiscard]] std::function<void(Bytes)> file(const std::string& name);

 private:
  struct Chunk {
    int file = -1;
    Bytes bytes{};
  };
  Recorder(std::string directory, LogSink log);
  void take(int file, Bytes bytes);
  void loop();
  void end(const std::string& why);

  std::string directory_;
  LogSink log_;
  std::mutex mutex_{};
  std::condition_variable ready_{};
  std::deque<Chunk> chunks_{};
  std::size_t backlog_ = 0;
  std::uint64_t written_ = 0;
  bool ended_ = false;
  bool stopping_ = false;
  std::vector<int> files_{};
  std::thread thread_;
};

}  // namespace coterie
