/// One thread's event loop, and timers on it: what a worker owns. Thread-safety: run() on one
/// thread; post() and stop() from anywhere; everything else on the loop's thread.
#pragma once

#include <functional>
#include <memory>

#include "coterie/core/time.hpp"

namespace coterie::transport {

class EventLoop {
 public:
  EventLoop();
  struct Impl;
  /// On a loop of somebody else's: asio_context.hpp makes one. run() and stop() are its owner's.
  explicit EventLoop(std::unique_ptr<Impl> impl);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until stop().
  void run();
  void stop();
  /// After stop(), run() may be called again.
  void restart();
  void post(std::function<void()> task);
  /// The node's time line: monotonic, and it goes on while the machine sleeps (CLOCK_BOOTTIME), so
  /// that no lease outlives a suspension.
  [[nodiscard]] static Instant now();
  /// Wall clock minus now(), which changes when its clock is set.
  [[nodiscard]] static std::int64_t wall_offset_ms();

  /// True on the thread that runs the loop, inside one of its tasks.
  [[nodiscard]] bool is_this_thread() const;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// Calls back once; setting it again replaces what was set. Thread-safety: on its loop's thread.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// Never before `at` and never inside set(); `never` cancels.
  void set(Instant at, std::function<void()> task);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace coterie::transport
