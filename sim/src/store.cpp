#include "coterie/sim/store.hpp"

namespace coterie::sim {
namespace {

constexpr Duration room_pause = 500ms;  // as node/ has it

}  // namespace

void SimStore::run(std::function<void()> write, std::function<void()> done) {
  tasks_.push_back({std::move(write), std::move(done)});
  if (tasks_.size() == 1) begin();
}

void SimStore::begin() {
  disk_.writing = tasks_.front().write;
  later_(disk_.sync_time(), [this] { finish(); });
}

void SimStore::finish() {
  if (disk_.full) return later_(room_pause, [this] { finish(); });
  if (disk_.fails_store) return failed_();
  disk_.writing = nullptr;
  auto task = std::move(tasks_.front());
  tasks_.pop_front();
  task.write();
  if (!tasks_.empty()) begin();
  task.done();
}

}  // namespace coterie::sim
