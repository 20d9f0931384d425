#include "coterie/replication/raft/log.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/replication/raft/messages.hpp"

namespace coterie::replication::raft {

Log::Log(Snapshot snapshot, std::vector<Entry> entries) : snapshot_(std::move(snapshot)) {
  for (auto& entry : entries) {
    bytes_ += entry.data.size();
    entries_.push_back(std::move(entry));
  }
  find_configuration();
}

std::optional<Term> Log::term(Index index) const {
  if (index == snapshot_.index) return snapshot_.term;
  if (index < snapshot_.index || index > last()) return std::nullopt;
  return at(index).term;
}

const Entry& Log::at(Index index) const {
  COTERIE_ENSURE(index > snapshot_.index && index <= last());
  return entries_[index.value - snapshot_.index.value - 1];
}

Index Log::first_of_term(Index index) const {
  const auto wanted = term(index);
  while (index > snapshot_.index && term(Index{index.value - 1}) == wanted)
    index = Index{index.value - 1};
  return index;
}

void Log::append(Entry entry) {
  bytes_ += entry.data.size();
  const bool configures = entry.kind == EntryKind::configuration;
  entries_.push_back(std::move(entry));
  if (configures) find_configuration();
}

void Log::truncate_from(Index index) {
  COTERIE_ENSURE(index > snapshot_.index);
  while (last() >= index) {
    bytes_ -= entries_.back().data.size();
    entries_.pop_back();
  }
  if (configuration_index_ >= index) find_configuration();
}

void Log::install(Snapshot snapshot) {
  COTERIE_ENSURE(snapshot.index >= snapshot_.index);
  const bool same = term(snapshot.index) == snapshot.term;
  while (!entries_.empty() && (!same || snapshot_.index < snapshot.index)) {
    bytes_ -= entries_.front().data.size();
    entries_.pop_front();
    snapshot_.index = next(snapshot_.index);
  }
  snapshot_ = std::move(snapshot);
  find_configuration();
}

void Log::find_configuration() {
  for (auto index = last(); index > snapshot_.index; index = Index{index.value - 1}) {
    const auto& entry = at(index);
    if (entry.kind != EntryKind::configuration) continue;
    if (auto found = decode_configuration(entry.data)) {
      configuration_ = std::move(*found);
      configuration_index_ = index;
      return;
    }
  }
  configuration_ = snapshot_.configuration;
  configuration_index_ = snapshot_.index;
}

}  // namespace coterie::replication::raft
