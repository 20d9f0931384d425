/// The graceful end of a node: stop being ready, hand over, drain, leave, stop. Each step has a
/// limit; what a later one waits for may fail when it ran out, and nothing is lost by it.
#include "runtime.hpp"

namespace coterie {

using transport::EventLoop;

namespace {

constexpr Duration hand_over_patience = cluster::hand_over_limit + 1s;
constexpr Duration drain_limit = 3s;  // what is in flight
constexpr Duration leave_limit = 4s;  // the leave is gossiped

}  // namespace

/// Looks again whenever something changed, and every 10 ms.
template <class Task>
bool Runtime::wait_until(Task done, Duration limit) {
  const auto until = EventLoop::now() + limit;
  std::unique_lock lock(mutex_);
  while (!done()) {
    if (EventLoop::now() >= until) return false;
    changed_.wait_for(lock, 10ms);
  }
  return true;
}

void Runtime::drain() {
  for (std::size_t i = 0; i < data_.size(); ++i)
    loops_[config_.workers == 0 ? 0 : i + 1]->post([worker = data_[i].get()] { worker->drain(); });
  const auto until = EventLoop::now() + drain_limit;
  while (EventLoop::now() < until) {
    struct Round {
      std::size_t answered = 0, quiet = 0;  ///< guarded by mutex_
    };
    const auto round = std::make_shared<Round>();
    for (std::size_t i = 0; i < data_.size(); ++i)
      loops_[config_.workers == 0 ? 0 : i + 1]->post([this, round, worker = data_[i].get()] {
        const std::lock_guard lock(mutex_);
        round->quiet += worker->quiet() ? 1 : 0;
        ++round->answered;
        changed_.notify_all();
      });
    // A worker that is stuck in the user's code answers nothing.
    (void)wait_until([&] { return round->answered == data_.size(); }, until - EventLoop::now());
    {
      const std::lock_guard lock(mutex_);
      if (round->quiet == data_.size()) return;
    }
    (void)wait_until([] { return false; }, 5ms);
  }
}

void Runtime::leave() {
  loops_[0]->post([this] { control_->leave(); });
  (void)wait_until([&] { return handed_over_ || core_stopped_; }, hand_over_patience);
  drain();
  loops_[0]->post([this] { control_->depart(); });
  (void)wait_until([&] { return core_stopped_; }, leave_limit);
}

void Runtime::stop() {
  const std::lock_guard lock(life_);
  if (stopped_) return;
  stopped_ = true;
  discovery_.reset();
  if (joined_.load()) {
    if (!failure()) leave();
    stopping_.store(true);
    for (auto& loop : loops_) loop->stop();
    for (auto& thread : threads_) thread.join();
    for (auto& worker : data_) worker->stop();
    control_->stop();
  }
  stopping_.store(true);
  data_.clear();
  control_.reset();
  stripe_.reset();
}

}  // namespace coterie
