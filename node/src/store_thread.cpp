#include "store_thread.hpp"

namespace coterie {
namespace {

constexpr auto retry_pause = std::chrono::milliseconds(500);

}  // namespace

StoreThread::StoreThread(LogSink log, std::function<void(const Error&)> failed)
    : log_(std::move(log)), failed_(std::move(failed)), thread_([this] { loop(); }) {}

StoreThread::~StoreThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  thread_.join();
}

void StoreThread::run(std::function<Status()> write, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(write), std::move(done)});
  }
  ready_.notify_one();
}

void StoreThread::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    while (true) {
      lock.unlock();
      const auto status = task.write();
      if (status && task.done) task.done();
      if (!status) {
        const bool room = status.error().retry_after.has_value();  // only that is missing
        log_(LogLevel::error,
             "node store: " + to_string(status.error()) + (room ? "; trying again" : ""));
        if (!room) return failed_(status.error());
      }
      lock.lock();
      if (status || stopping_) break;
      ready_.wait_for(lock, retry_pause, [&] { return stopping_; });
    }
  }
}

}  // namespace coterie
