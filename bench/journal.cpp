#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "coterie/replication/record.hpp"
#include "coterie/storage/lmdb_journal.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;

namespace {

constexpr std::size_t event_bytes = 256;
constexpr double span = 0.5;  // seconds a row and round

}  // namespace

double raw_commits(const std::string& file, std::size_t batch) {
  const int fd = open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  const std::string data(batch * event_bytes, 'x');
  std::size_t events = 0;
  double took = 0;
  while (took < span) {
    took += seconds_of([&] {
      if (write(fd, data.data(), data.size()) < 0 || fdatasync(fd) != 0)
        throw std::runtime_error("cannot write " + file);
    });
    events += batch;
  }
  close(fd);
  unlink(file.c_str());
  return static_cast<double>(events) / took;
}

namespace {

/// The journal as a core uses it: `batch` appends in flight, all of them acknowledged before the
/// next ones.
double journal_commits(const std::string& file, std::size_t batch) {
  std::mutex mutex;
  std::condition_variable ready;
  bool woken = false;
  auto stripe =
      storage::LmdbStripe::open({.file = file, .group_records = std::max<std::size_t>(batch, 1)})
          .value();
  storage::LmdbJournal journal(stripe, [&] {
    const std::lock_guard lock(mutex);
    woken = true;
    ready.notify_one();
  });
  std::uint64_t index = 0;
  std::uint64_t chain = 0;
  const Bytes payload(event_bytes, 1);
  const auto commit = [&] {
    std::vector<replication::AppendRequest> requests;
    for (std::size_t i = 0; i < batch; ++i) {
      replication::AppendRequest request{
          .epoch = Epoch{1}, .index = LogIndex{++index}, .batch = index, .record = {}};
      chain = replication::append_record(request.record,
                                         {.epoch = Epoch{1},
                                          .index = LogIndex{index},
                                          .entity = view("e"),
                                          .events = {{0, payload}}},
                                         chain);
      requests.push_back(std::move(request));
    }
    journal.append(std::move(requests));
    for (std::uint64_t durable = 0; durable < index;) {
      std::unique_lock lock(mutex);
      ready.wait(lock, [&] { return woken; });
      woken = false;
      lock.unlock();
      for (const auto& event : journal.poll())
        durable = std::get<replication::Appended>(event).batch;
    }
  };
  std::size_t events = 0;
  double took = 0;
  while (took < span) {
    took += seconds_of(commit);
    events += batch;
  }
  return static_cast<double>(events) / took;
}

}  // namespace

void journal_rows(Rows& rows, int rounds, const std::string& directory) {
  for (int round = 0; round < rounds; ++round) {
    for (const std::size_t batch : {1, 64, 1024}) {
      const auto name = "b" + std::to_string(batch);
      const auto file = directory + "/journal-" + name + "-" + std::to_string(round);
      add(rows, "journal_commits_" + name, "events/s, 256 B", journal_commits(file, batch));
      unlink(file.c_str());
      add(rows, "raw_fdatasync_" + name, "events/s, 256 B", raw_commits(directory + "/raw", batch));
    }
  }
}

}  // namespace bench
