/// The log of one Raft member: a snapshot and the entries behind it, and the configuration that is
/// in force, which is the newest one in the log, committed or not (thesis 4.1).
/// Thread-safety: one owner.
#pragma once

#include <deque>
#include <optional>

#include "coterie/replication/raft/types.hpp"

namespace coterie::replication::raft {

class Log {
 public:
  Log(Snapshot snapshot, std::vector<Entry> entries);

  [[nodiscard]] Index last() const { return Index{snapshot_.index.value + entries_.size()}; }
  [[nodiscard]] Term last_term() const {
    return entries_.empty() ? snapshot_.term : entries_.back().term;
  }
  /// Of the snapshot's index and everything behind it.
  [[nodiscard]] std::optional<Term> term(Index index) const;
  /// snapshot < index <= last.
  [[nodiscard]] const Entry& at(Index index) const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Of the entries' data.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  /// Where it stands in the log.
  [[nodiscard]] Index configuration_index() const { return configuration_index_; }
  /// The first index whose term is that of `index`.
  [[nodiscard]] Index first_of_term(Index index) const;

  void append(Entry entry);
  void truncate_from(Index index);
  /// The entries up to the snapshot's index go; if ours at that index is another one, all do.
  void install(Snapshot snapshot);

 private:
  void find_configuration();

  Snapshot snapshot_;
  std::deque<Entry> entries_{};
  std::size_t bytes_ = 0;
  Configuration configuration_{};
  Index configuration_index_{};
};

}  // namespace coterie::replication::raft
