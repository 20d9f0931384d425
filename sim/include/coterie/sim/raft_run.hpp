/// One seed's life of a Raft group: members are killed, paused, cut off, wiped and replaced while
/// commands are proposed and reads asked; then everything heals and the group must agree and go on.
/// Thread-safety: a pure function of the seed.
#pragma once

#include <cstdint>
#include <string>

namespace coterie::sim {

struct RaftRunResult {
  bool passed = false;
  std::string problem{};
  std::uint64_t trace{};
  std::size_t committed{};
  std::size_t terms{};  ///< that had a leader
  std::size_t reads{};
  std::size_t kills{};
  std::size_t changes{};  ///< of the configuration, asked for
};

[[nodiscard]] RaftRunResult run_raft(std::uint64_t seed);

}  // namespace coterie::sim
