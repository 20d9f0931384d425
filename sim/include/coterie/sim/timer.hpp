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
  World& world_;
  std::shared_ptr<std::uint64_t> setting_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace coterie::sim
