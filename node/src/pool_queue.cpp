#include <sys/eventfd.h>
#include <unistd.h>

#include "coterie/core/ensure.hpp"
#include "pool_bridge.hpp"

namespace coterie {

PoolQueue::PoolQueue() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  COTERIE_ENSURE(fd_ >= 0);  // out of descriptors: the process cannot serve either
}
PoolQueue::~PoolQueue() { ::close(fd_); }

void PoolQueue::put(PoolEvent event) {
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= max_pool_events) {
      events_.pop_front();
      ++lost_;
    }
    events_.push_back(std::move(event));
  }
  eventfd_write(fd_, 1);
  changed_.notify_one();
}

void PoolQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  eventfd_write(fd_, 1);
  changed_.notify_all();
}

std::optional<PoolEvent> PoolQueue::take(Duration limit) {
  std::unique_lock lock(mutex_);
  if (limit > Duration{0})
    changed_.wait_for(lock, limit, [&] { return closed_ || lost_ > 0 || !events_.empty(); });
  if (lost_ > 0) return EventsLost{std::exchange(lost_, 0)};
  eventfd_t ignored = 0;
  if (events_.size() <= 1 && !closed_) eventfd_read(fd_, &ignored);
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

int PoolEvents::fd() const { return queue_->fd(); }
std::optional<PoolEvent> PoolEvents::poll() { return queue_->take(Duration{0}); }
std::optional<PoolEvent> PoolEvents::next(Duration limit) { return queue_->take(limit); }

}  // namespace coterie
