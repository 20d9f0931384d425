/// What a primary says that is cut off and about to die: a command that cannot commit any more, and
/// a read that saw it, by a lease perhaps. Nobody may be shown what is lost with it (placement
/// contract, invariant 9). Thread-safety: runs the world.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "coterie/sim/world.hpp"

namespace coterie::sim {

class LastWords {
 public:
  explicit LastWords(World& world) : world_(world) {}
  /// `then` comes some 50 ms later, with the node still cut off; it may be down already.
  void speak(std::size_t node, std::function<void()> then);
  /// What is wrong in the end, or nothing: each account has what a read has shown of it.
  [[nodiscard]] std::string check();

 private:
  void read(std::size_t node, const std::string& account);
  void read_again(const std::string& account);

  World& world_;
  std::map<std::string, std::int64_t> shown_{}, found_{};
  std::size_t accounts_ = 0;
};

}  // namespace coterie::sim
