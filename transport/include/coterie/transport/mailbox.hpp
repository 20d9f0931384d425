/// The way into a loop's thread for values: bounded, in order, taken in batches. One wake-up a
/// batch: while a batch waits to be taken, more joins it. Copies are the same mailbox.
/// tests/conformance/timer_mailbox_test.cpp is the suite that this and the simulator's mailbox
/// pass. Thread-safety: put() from any thread; the handler runs on the loop's thread.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

template <class T>
class Mailbox {
 public:
  using Handler = std::function<void(std::vector<T>& batch)>;
  Mailbox(EventLoop& loop, std::size_t bound, Handler handler)
      : state_(std::make_shared<State>(loop, bound, std::move(handler))) {}

  /// False: it is full or closed, and `item` is as it was.
  [[nodiscard]] bool put(T&& item) {
    std::unique_lock lock(state_->mutex);
    if (state_->closed || state_->items.size() >= state_->bound) return false;
    state_->items.push_back(std::move(item));
    if (state_->items.size() > 1) return true;
    lock.unlock();
    state_->loop.post([weak = std::weak_ptr<State>(state_)] {
      if (const auto state = weak.lock()) state->take();
    });
    return true;
  }
  /// Takes nothing more; answers what nobody took. Once the loop has stopped, which must outlive
  /// every copy of the mailbox that is put to.
  [[nodiscard]] std::vector<T> close() {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
    return std::exchange(state_->items, {});
  }

 private:
  struct State {
    State(EventLoop& l, std::size_t b, Handler h) : loop(l), bound(b), handler(std::move(h)) {}
    void take() {
      {
        const std::lock_guard lock(mutex);
        batch.swap(items);
      }
      handler(batch);
      batch.clear();
    }
    EventLoop& loop;
    std::size_t bound;
    Handler handler;
    std::mutex mutex{};
    std::vector<T> items{};  ///< guarded by mutex
    bool closed = false;     ///< guarded by mutex
    std::vector<T> batch{};  ///< the loop's thread; both keep their memory
  };
  std::shared_ptr<State> state_;
};

}  // namespace coterie::transport
