#include "coterie/core/ensure.hpp"
#include "coterie/replication/raft/raft.hpp"

namespace coterie::replication::raft {

Effects Raft::compact(Bytes state) {
  if (applied_ <= log_.snapshot().index) return {};
  COTERIE_ENSURE(state.size() <= max_state_bytes);
  // The configuration of the snapshot is the one in force at its index.
  Configuration configuration = log_.snapshot().configuration;
  for (auto i = next(log_.snapshot().index); i <= applied_; i = next(i))
    if (log_.at(i).kind == EntryKind::configuration)
      configuration = decode_configuration(log_.at(i).data).value_or(configuration);
  log_.install({applied_, *log_.term(applied_), std::move(configuration), std::move(state)});
  snapshot_changed_ = true;
  return finish({});
}

void Raft::send_chunk(const MemberId& to, Peer& peer, Effects& out) {
  const auto& snapshot = log_.snapshot();
  if (peer.snapshot != snapshot.index) {
    peer.snapshot = snapshot.index;
    peer.offset = 0;
  }
  const auto size = std::min(config_.chunk_bytes, snapshot.state.size() - peer.offset);
  const auto begin = snapshot.state.begin() + peer.offset;
  peer.sent = ++round_;
  say(to,
      SnapshotChunk{.index = snapshot.index,
                    .index_term = snapshot.term,
                    .configuration = snapshot.configuration,
                    .size = static_cast<std::uint32_t>(snapshot.state.size()),
                    .offset = peer.offset,
                    .round = round_,
                    .part = Bytes(begin, begin + static_cast<std::ptrdiff_t>(size))},
      out);
}

void Raft::on(const MemberId& from, Term term, const SnapshotChunk& chunk, Instant now,
              Effects& out) {
  if (term < hard_.term) return say_durably(from, SnapshotReply{.round = chunk.round});
  if (leads() && term == hard_.term) return;  // cannot be; no peer may stop us by saying it
  become_follower(term, from, out);
  leader_heard_ = now;
  quick_tries_ = 0;
  rest(now);
  SnapshotReply reply{.index = chunk.index, .next = chunk.size, .round = chunk.round};
  if (chunk.index <= commit_) return say_durably(from, reply);  // all of it is ours already
  if (!incoming_ || incoming_->term != term || incoming_->index != chunk.index)
    incoming_ = Incoming{term, chunk.index, {}};
  auto& state = incoming_->state;
  if (chunk.offset == state.size() && state.size() + chunk.part.size() <= chunk.size)
    append(state, chunk.part);
  reply.next = static_cast<std::uint32_t>(state.size());
  if (state.size() < chunk.size) return say_durably(from, reply);
  if (valid_ != nullptr && !valid_(state)) return incoming_.reset();  // of a later version, or none
  const auto old_last = log_.last();
  const bool keeps = log_.term(chunk.index) == chunk.index_term;
  log_.install({chunk.index, chunk.index_term, chunk.configuration, std::move(state)});
  incoming_.reset();
  snapshot_changed_ = true;
  if (!keeps && old_last > chunk.index) changed_from_ = next(chunk.index);
  if (!keeps) disk_.cut(chunk.index);
  commit_ = applied_ = chunk.index;
  out.emplace_back(Restore{log_.snapshot()});
  rest(now);
  say_durably(from, reply);
}

void Raft::on(const MemberId& from, Term term, const SnapshotReply& reply, Instant now,
              Effects& out) {
  auto* const answers = answering(from, term, reply.round, now, out);
  if (answers == nullptr) return;
  auto& peer = *answers;
  const auto& snapshot = log_.snapshot();
  if (reply.index == peer.snapshot && reply.index == snapshot.index && reply.index != Index{}) {
    peer.offset = std::min(reply.next, static_cast<std::uint32_t>(snapshot.state.size()));
    if (reply.next >= snapshot.state.size()) {
      peer.match = std::max(peer.match, reply.index);
      peer.next = std::max(peer.next, next(peer.match));
      peer.snapshot = {};
      peer.offset = 0;
      advance_commit(out);
    }
  }
  finish_reads(out);
  if (peer.next <= log_.last()) send_entries(from, peer, false, out);
}

}  // namespace coterie::replication::raft
