/// The thread that writes a node's own small state, so that a slow disk never delays a gossip ack.
/// Tasks run in order. One that the disk has no room for is tried again until it has, so that
/// nothing later overtakes it; after any other error nothing is written any more: after a failed
/// sync no retry is safe (placement contract, "Where disk and data disagree").
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
  /// `failed` is called once, on this thread, when nothing will be written any more.
  StoreThread(LogSink log, std::function<void(const Error&)> failed);
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
  std::function<void(const Error&)> failed_;
  std::mutex mutex_{};
  std::condition_variable ready_{};
  std::deque<Task> tasks_{};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace coterie
