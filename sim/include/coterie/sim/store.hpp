/// What a node keeps of its own on a simulated disk (identity, life, the registers' Raft state):
/// one write after the other, as the store's thread in node/ does. One that the disk has no room
/// for is tried again until it has; after any other error nothing is written any more, and the
/// process ends. Thread-safety: one owner.
#pragma once

#include "coterie/sim/disk.hpp"

namespace coterie::sim {

class SimStore {
 public:
  /// `later` runs a task after a delay while this process lives; `failed` is told once.
  SimStore(Disk& disk, Later later, std::function<void()> failed)
      : disk_(disk), later_(std::move(later)), failed_(std::move(failed)) {}
  /// `write` changes the disk and outlives the process: what a crash finds under way is done or
  /// not. `done` runs when it is synced.
  void run(std::function<void()> write, std::function<void()> done);

 private:
  struct Task {
    std::function<void()> write{}, done{};
  };
  void begin();
  void finish();

  Disk& disk_;
  Later later_;
  std::function<void()> failed_;
  std::deque<Task> tasks_{};
};

}  // namespace coterie::sim
