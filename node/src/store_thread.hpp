/// The thread that writes a node's own small state, so that a slow disk never delays a gossip ack.
/// Tasks run in order; one that the disk refuses is tried again until it succeeds, so that nothing
/// later overtakes it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "coterie/core/log.hpp"
#include "coterie/core/result.hpp"

namespace coterie {

class StoreThread {
 public:
  explicit StoreThread(LogSink log);
  ~StoreThread();
  StoreThread(const StoreThread&) = delete;
  StoreThread& operator=(const StoreThread&) = delete;
  /// Runs `write` until it succeeds, then `done`. Bounded by its askers: one identity, one register
  /// batch a request.
  void run(std::function<Status()> write, std::function<void()> done);

 private:
  struct Task {
    std::function<Status()> write;
    std::function<void()> done;
  };
  void loop();
  LogSink log_;
  std::mutex mutex_{};
  std::condition_variable ready_{};
  std::deque<Task> tasks_{};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace coterie
