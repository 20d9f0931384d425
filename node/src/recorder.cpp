#include "recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace coterie {

Result<std::unique_ptr<Recorder>> Recorder::open(std::string directory, LogSink log) {
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
    return error(Errc::configuration, "cannot create the recording directory " + directory + ": " +
                                          std::strerror(errno) + "; create its parent first");
  return std::unique_ptr<Recorder>(new Recorder(std::move(directory), std::move(log)));
}

Recorder::Recorder(std::string directory, LogSink log)
    : directory_(std::move(directory)), log_(std::move(log)), thread_([this] { loop(); }) {}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  thread_.join();
  for (const int file : files_) close(file);
}

std::function<void(Bytes)> Recorder::file(const std::string& name) {
  const auto path = directory_ + "/" + name + ".tape";
  const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  const std::lock_guard lock(mutex_);
  if (file < 0) end("cannot create " + path + ": " + std::strerror(errno));
  files_.push_back(file);
  return [this, file](Bytes bytes) { take(file, std::move(bytes)); };
}

void Recorder::take(int file, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  if (backlog_ + bytes.size() > max_recording_backlog) return end("the disk does not keep up");
  if (written_ + bytes.size() > max_recording_bytes) return end("it has reached 4 GiB");
  backlog_ += bytes.size();
  written_ += bytes.size();
  chunks_.push_back({file, std::move(bytes)});
  ready_.notify_one();
}

/// With the lock held.
void Recorder::end(const std::string& why) {
  if (std::exchange(ended_, true)) return;
  log_(LogLevel::warning, "recording in " + directory_ + " ends here: " + why);
}

void Recorder::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [&] { return stopping_ || !chunks_.empty(); });
    if (chunks_.empty()) return;
    const auto chunk = std::move(chunks_.front());
    chunks_.pop_front();
    lock.unlock();
    std::size_t at = 0;
    ssize_t wrote = 1;
    while (at < chunk.bytes.size() && wrote > 0) {
      wrote = write(chunk.file, chunk.bytes.data() + at, chunk.bytes.size() - at);
      at += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    }
    const auto problem = at < chunk.bytes.size() ? std::string(std::strerror(errno)) : "";
    lock.lock();
    backlog_ -= chunk.bytes.size();
    if (!problem.empty()) end(problem), chunks_.clear();
  }
}

}  // namespace coterie
