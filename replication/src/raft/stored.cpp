#include "coterie/replication/raft/stored.hpp"

#include "coterie/replication/raft/log.hpp"

namespace coterie::replication::raft {

void write(Stored& disk, const Persist& batch) {
  if (batch.hard) disk.hard = *batch.hard;
  const Index behind{disk.snapshot.index.value + disk.entries.size() + 1};
  if (!batch.snapshot && (batch.from == Index{} || batch.from == behind)) {  // nearly always
    disk.entries.insert(disk.entries.end(), batch.entries.begin(), batch.entries.end());
    return;
  }
  Log log(disk.snapshot, std::move(disk.entries));
  if (batch.from > log.snapshot().index) log.truncate_from(batch.from);
  if (batch.snapshot) log.install(*batch.snapshot);
  for (const auto& entry : batch.entries) log.append(entry);
  disk.snapshot = log.snapshot();
  disk.entries.clear();
  for (auto i = next(disk.snapshot.index); i <= log.last(); i = next(i))
    disk.entries.push_back(log.at(i));
}

}  // namespace coterie::replication::raft
