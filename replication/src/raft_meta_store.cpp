#include "coterie/replication/raft_meta_store.hpp"

#include "coterie/core/ensure.hpp"

namespace coterie::replication {

using raft::MemberId;

RaftMetaStore::RaftMetaStore(raft::RaftConfig config, MemberId self, raft::Stored stored,
                             Random random, Instant now)
    : raft_(config, std::move(self), std::move(stored), random, now,
            [](ByteView state) { return RegisterState::restore(state).has_value(); }) {
  const auto& snapshot = raft_.log().snapshot();
  if (snapshot.index == raft::Index{}) return;
  auto state = RegisterState::restore(snapshot.state);
  COTERIE_ENSURE(state);  // our own disk, whose checksums the storage verified
  state_ = std::move(*state);
}

raft::Stored RaftMetaStore::founded(const MemberId& founder, const RegisterState& state) {
  return {.hard = {.term = raft::Term{1}},
          .snapshot = {.index = raft::Index{1},
                       .term = raft::Term{1},
                       .configuration = {.voters = {founder}},
                       .state = state.snapshot()}};
}

MetaEffects RaftMetaStore::receive(const raft::Message& message, Instant now) {
  return take(raft_.receive(message, now));
}
MetaEffects RaftMetaStore::tick(Instant now) { return take(raft_.tick(now)); }
MetaEffects RaftMetaStore::persisted(std::uint64_t batch, Instant now) {
  return take(raft_.persisted(batch, now));
}
MetaEffects RaftMetaStore::suspect(const std::string& node, Instant now) {
  return take(raft_.suspect(node, now));
}

MetaEffects RaftMetaStore::compare_and_swap(std::uint64_t token, const std::vector<Swap>& swaps,
                                            std::uint64_t entity_types) {
  raft::Effects effects;
  if (const auto index = raft_.propose(RegisterState::command(swaps, entity_types), effects))
    asked_[*index] = {raft_.term(), token};
  return take(std::move(effects));
}

bool RaftMetaStore::add_learner(const MemberId& id, Instant now, MetaEffects& out) {
  raft::Effects effects;
  const bool begun = raft_.add_learner(id, now, effects);
  out = take(std::move(effects));
  return begun;
}

bool RaftMetaStore::promote(const MemberId& id, Instant now, MetaEffects& out) {
  raft::Effects effects;
  const bool begun = raft_.promote(id, now, effects);
  out = take(std::move(effects));
  return begun;
}

bool RaftMetaStore::remove(const MemberId& id, Instant now, MetaEffects& out) {
  raft::Effects effects;
  const bool begun = raft_.remove(id, now, effects);
  out = take(std::move(effects));
  return begun;
}

MetaEffects RaftMetaStore::hand_over(Instant now) {
  const MemberId* best = nullptr;
  Instant heard{INT64_MIN};
  for (const auto& id : raft_.configuration().voters)
    if (const auto at = raft_.heard_of(id); at && *at > heard) {
      heard = *at;
      best = &id;
    }
  if (best == nullptr) return {};
  raft::Effects effects;
  (void)raft_.transfer(MemberId(*best), now, effects);
  return take(std::move(effects));
}

MetaEffects RaftMetaStore::take(raft::Effects&& effects) {
  MetaEffects out;
  for (auto& effect : effects) {
    if (auto* send = std::get_if<raft::Send>(&effect)) {
      out.emplace_back(std::move(*send));
    } else if (auto* persist = std::get_if<raft::Persist>(&effect)) {
      out.emplace_back(std::move(*persist));
    } else if (const auto* applied = std::get_if<raft::Apply>(&effect)) {
      apply(*applied, out);
    } else if (const auto* restored = std::get_if<raft::Restore>(&effect)) {
      if (auto state = RegisterState::restore(restored->snapshot.state)) state_ = std::move(*state);
      RegistersChanged changed{.entity_types = state_.entity_types()};
      for (std::uint16_t i = 0; i < register_count; ++i)
        changed.registers.emplace_back(ShardId{i}, state_.get(ShardId{i}));
      out.emplace_back(std::move(changed));
    } else if (const auto* leader = std::get_if<raft::LeaderChanged>(&effect)) {
      if (leader->leader != raft_.self()) asked_.clear();  // outcome unknown: they ask again
      out.emplace_back(*leader);
    }
  }
  const auto applied = raft_.applied().value - raft_.log().snapshot().index.value;
  if (applied >= compact_entries || (applied > 0 && raft_.log().bytes() >= compact_bytes))
    compact(out);
  return out;
}

void RaftMetaStore::apply(const raft::Apply& applied, MetaEffects& out) {
  if (applied.entry.kind == raft::EntryKind::command) {
    auto results = state_.apply(applied.entry.data);
    RegistersChanged changed{.entity_types = state_.entity_types()};
    for (const auto& result : results)
      if (result.won && result.shard.value < register_count)
        changed.registers.emplace_back(result.shard, result.current);
    const auto asked = asked_.find(applied.index);
    if (asked != asked_.end() && asked->second.term == applied.entry.term)
      out.emplace_back(Swapped{asked->second.token, std::move(results)});
    if (!changed.registers.empty()) out.emplace_back(std::move(changed));
  }
  asked_.erase(applied.index);
}

void RaftMetaStore::compact(MetaEffects& out) {
  for (auto& effect : raft_.compact(state_.snapshot()))
    if (auto* persist = std::get_if<raft::Persist>(&effect)) out.emplace_back(std::move(*persist));
}

}  // namespace coterie::replication
