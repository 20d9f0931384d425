/// What goes wrong in one history, and when, drawn before it begins: so a failure can be repeated
/// with fewer of its faults, which do not change when others are left out. Thread-safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/core/random.hpp"
#include "coterie/core/time.hpp"

namespace coterie::sim {

struct Fault {
  enum class Kind : std::uint8_t {
    kill,
    power_cut,
    cut,
    loss,
    move,
    full_disk,
    leave,
    drain,
    reset,
    slow_disk,
    failed_disk
  };
  Kind kind{};
  Duration at{};  ///< after the first
  std::size_t node{};
  Duration span{};  ///< until it ends, of those that do
  double loss{};
  std::uint64_t seed{};  ///< of what else is drawn while it happens
};

/// What of it happened: a fault that meets a node that is down starts it.
struct FaultCounts {
  std::size_t kills{};
  std::size_t leaves{};  ///< graceful, with a return
  std::size_t drains{};  ///< nodes drained or cordoned for a while
  std::size_t moves{};   ///< shards asked to go to another node
  std::size_t slow_disks{};
  std::size_t failed_disks{};  ///< until a restart
  std::size_t resets{};        ///< connections that broke while both their ends lived
  friend bool operator==(const FaultCounts&, const FaultCounts&) = default;
};

/// One fault every 0.5 to 2.5 s.
[[nodiscard]] std::vector<Fault> draw_faults(Random random, std::size_t nodes, Duration span);
/// "3: kill n2 at 4.120 s for 1.500 s"
[[nodiscard]] std::string describe(std::size_t number, const Fault& fault);

}  // namespace coterie::sim
