#include "coterie/transport/event_loop.hpp"

#include <time.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "asio_loop.hpp"
#include "coterie/core/ensure.hpp"
#include "coterie/transport/asio_context.hpp"

namespace coterie::transport {

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::EventLoop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
std::unique_ptr<EventLoop> loop_on(asio::io_context& context) {
  return std::make_unique<EventLoop>(std::make_unique<EventLoop::Impl>(context));
}
bool EventLoop::is_this_thread() const {
  return impl_->context.get_executor().running_in_this_thread();
}
EventLoop::~EventLoop() = default;

void EventLoop::run() { impl_->context.run(); }
void EventLoop::stop() { impl_->context.stop(); }
void EventLoop::restart() { impl_->context.restart(); }
void EventLoop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

/// A std::chrono clock: Linux's monotonic one that counts a suspension.
struct BootClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() {
    timespec t{};
    COTERIE_ENSURE(clock_gettime(CLOCK_BOOTTIME, &t) == 0);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
  }
};

struct Timer::Impl {
  explicit Impl(asio::io_context& context) : timer(context) {}
  asio::basic_waitable_timer<BootClock> timer;
  std::uint64_t setting = 0;  ///< an expiry that was already on its way when it was replaced is old
};

Timer::Timer(EventLoop& loop) : impl_(std::make_shared<Impl>(loop.impl().context)) {}
Timer::~Timer() = default;

void Timer::set(Instant at, std::function<void()> task) {
  const auto setting = ++impl_->setting;
  if (at == never) return void(impl_->timer.cancel());
  impl_->timer.expires_at(BootClock::time_point(Duration{at.nanos}));
  impl_->timer.async_wait([weak = std::weak_ptr<Impl>(impl_), setting,
                           task = std::move(task)](const boost::system::error_code& problem) {
    const auto current = weak.lock();
    if (!problem && current && current->setting == setting) task();
  });
}

std::int64_t EventLoop::wall_offset_ms() {
  const auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  return (wall.count() - now().nanos) / 1'000'000;
}

Instant EventLoop::now() { return Instant{BootClock::now().time_since_epoch().count()}; }

}  // namespace coterie::transport
