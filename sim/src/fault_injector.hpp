/// Makes the faults of a schedule happen to a world, and ends them. Thread-safety: runs the world.
#pragma once

#include "coterie/core/random.hpp"
#include "coterie/sim/fault_schedule.hpp"
#include "last_words.hpp"

namespace coterie::sim {

class FaultInjector {
 public:
  FaultInjector(World& world, Random random) : world_(world), random_(random) {}
  void inject(const Fault& fault);
  /// Nothing goes wrong any more: disks and the network are well, everybody is up.
  void end(double usual_loss);
  [[nodiscard]] const FaultCounts& happened() const { return happened_; }
  /// What is wrong in the end, or nothing: see LastWords.
  [[nodiscard]] std::string check() { return last_words_.check(); }

 private:
  void kill(const Fault& fault);
  void cut(std::size_t node, Duration span);
  void reset(const Fault& fault);
  void fall(const Fault& fault);
  void leave_and_return(std::size_t node, Duration span);
  void drain_for_a_while(std::size_t node, const Fault& fault);
  void unwish(const std::string& name);
  void slow_down(const Fault& fault);
  void fail_disk(const Fault& fault);
  void fill_disk(std::size_t node, Duration span);
  void move_some(std::size_t to, Random random);
  [[nodiscard]] bool wish(const std::string& name, const char* what);

  World& world_;
  Random random_;
  LastWords last_words_{world_};
  FaultCounts happened_{};
  bool over_ = false;
};

}  // namespace coterie::sim
