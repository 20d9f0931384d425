#include "host_pressure.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace coterie {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

Duration run_queue_delay() {
  const File file(std::fopen("/proc/thread-self/schedstat", "re"));
  unsigned long long ran = 0, waited = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &ran, &waited) != 2) return {};
  return Duration{static_cast<std::int64_t>(waited)};
}

/// Of one processor: the sum of all, divided.
Duration stolen() {
  const File file(std::fopen("/proc/stat", "re"));
  unsigned long long steal = 0;
  if (!file || std::fscanf(file.get(), "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
    return {};
  const auto ticks = std::max(1L, sysconf(_SC_CLK_TCK));
  const auto processors = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  return Duration{1s} * static_cast<std::int64_t>(steal) / ticks / processors;
}

}  // namespace

std::optional<HostPressure::Sample> HostPressure::sample(Instant now) {
  if (last_ != never && now - last_ < pressure_interval) return std::nullopt;
  const auto waited = run_queue_delay() + stolen();
  const bool first = last_ == never;
  const Sample sample{waited - waited_, first ? Duration{} : now - last_};
  last_ = now;
  waited_ = waited;
  if (first) return std::nullopt;
  return sample;
}

}  // namespace coterie
