/// The shape of transport::Timer on virtual time. Thread-safety: one owner.
#pragma once

#include <functional>
#include <memory>

#include "coterie/core/time.hpp"

namespace coterie::sim {

class World;

class Timer {
 public:
  explicit Timer(World& world) : world_(world) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// Calls back once, never before `at` and never inside set(); setting it again replaces what was
  /// set, `never` cancels.
  void set(Instant at, std::function<void()> task);

 private:
  struct State {
    Instant wanted = never;
    Instant scheduled = never;  ///< an event is on its way for then, which may be too early
    std::uint64_t event = 0;    ///< which one; older ones mean nothing
    std::function<void()> task{};
  };
  static void schedule(World& world, const std::shared_ptr<State>& state);

  World& world_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace coterie::sim
