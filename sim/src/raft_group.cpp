#include "coterie/sim/raft_group.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/replication/raft/stored.hpp"

namespace coterie::sim {
namespace {

using namespace replication::raft;

std::uint64_t fold(std::uint64_t state, Index index, const Entry& entry) {
  TraceHash hash;
  hash.add(state);
  hash.add(index.value);
  hash.add(entry.data);
  return hash.value();
}

}  // namespace

RaftGroup::RaftGroup(RaftGroupConfig config) : config_(config), random_(config.seed) {
  nodes_.resize(config_.nodes);
  for (auto& node : nodes_) node.disk_id = next_disk_++;
  // The group begins with a snapshot of nothing that names its first voters.
  Stored first{.hard = {.term = Term{1}}, .snapshot = {.index = Index{1}, .term = Term{1}}};
  for (std::size_t i = 0; i < config_.voters; ++i)
    first.snapshot.configuration.voters.push_back(id_of(i));
  append_le(first.snapshot.state, std::uint64_t{0});
  for (std::size_t i = 0; i < config_.voters; ++i) nodes_[i].disk = first;
  chosen_.resize(2);
  chosen_in_.resize(2);
  states_.resize(2);
  for (std::size_t i = 0; i < size(); ++i) start(i);
}

MemberId RaftGroup::id_of(std::size_t node) const {
  return {std::string(1, static_cast<char>('a' + node)), nodes_[node].disk_id};
}

std::optional<std::size_t> RaftGroup::leader() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < size(); ++i)
    if (is_up(i) && raft(i).leads() && (!best || raft(*best).term() < raft(i).term())) best = i;
  return best;
}

void RaftGroup::start(std::size_t node) {
  auto& n = nodes_[node];
  if (n.raft) return;
  ++n.life;
  n.paused_until = {};
  n.batches.clear();
  n.syncing = false;
  n.raft = std::make_unique<Raft>(RaftConfig{.hint_spread = config_.hint_spread,
                                             .batch_bytes = config_.batch_bytes,
                                             .chunk_bytes = 1024},
                                  id_of(node), n.disk, Random(random_.next()), now_);
  n.applied = n.disk.snapshot.index;
  n.state = n.applied == Index{} ? 0 : load_le<std::uint64_t>(n.disk.snapshot.state.data());
  n.wake_at = never;
  arm(node);
}

void RaftGroup::kill(std::size_t node) {
  nodes_[node].raft.reset();
  nodes_[node].held.clear();
}

void RaftGroup::wipe(std::size_t node) {
  kill(node);
  nodes_[node].disk = {};
  nodes_[node].disk_id = next_disk_++;
}

void RaftGroup::heal() {
  groups_.clear();
  config_.loss = config_.doubled = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    nodes_[i].paused_until = {};
    if (is_up(i)) resume(i);
    start(i);
    arm(i);
  }
}

void RaftGroup::run_until(Instant end) {
  while (problem_.empty() && !events_.empty() && events_.next_at() <= end) {
    now_ = std::max(now_, events_.next_at());
    handle(events_.pop());
  }
  now_ = std::max(now_, end);
}

void RaftGroup::pause(std::size_t node, Duration span) {
  nodes_[node].paused_until = std::max(nodes_[node].paused_until, now_ + span);
}

/// Group commit: what came during a sync goes with the next one.
void RaftGroup::sync(std::size_t node) {
  auto& n = nodes_[node];
  if (n.syncing || n.batches.empty()) return;
  n.syncing = true;
  events_.push(now_ + config_.sync / 4 + random_.below(config_.sync),
               {.kind = Event::Kind::synced,
                .node = node,
                .life = n.life,
                .batches = std::exchange(n.batches, {})});
}

void RaftGroup::handle(Event event) {
  auto& node = nodes_[event.node];
  if (!node.raft || (event.kind != Event::Kind::arrive && event.life != node.life)) return;
  if (event.kind == Event::Kind::resume) return resume(event.node);
  if (event.kind == Event::Kind::arrive && cut(event.from, event.node)) return;
  if (event.kind == Event::Kind::synced) {  // the disk does not pause
    for (const auto& batch : event.batches) replication::raft::write(node.disk, batch);
    node.syncing = false;
    sync(event.node);
  }
  if (node.paused_until > now_) {
    if (node.held.empty())
      events_.push(node.paused_until,
                   {.kind = Event::Kind::resume, .node = event.node, .life = node.life});
    return node.held.push_back(std::move(event));
  }
  deliver(event);
}

/// It sees all of it late, in the order in which it came.
void RaftGroup::resume(std::size_t node) {
  auto& n = nodes_[node];
  if (n.paused_until > now_)
    return events_.push(n.paused_until,
                        {.kind = Event::Kind::resume, .node = node, .life = n.life});
  for (const auto& event : std::exchange(n.held, {})) deliver(event);
}

void RaftGroup::deliver(const Event& event) {
  auto& node = nodes_[event.node];
  switch (event.kind) {
    case Event::Kind::resume: return;
    case Event::Kind::wake: node.wake_at = never; return apply(event.node, node.raft->tick(now_));
    case Event::Kind::synced:
      for (const auto& batch : event.batches)
        apply(event.node, node.raft->persisted(batch.batch, now_));
      return;
    case Event::Kind::arrive: {
      const auto message = decode_message(event.bytes);
      if (!message) return fail("a message does not decode");
      return apply(event.node, node.raft->receive(*message, now_));
    }
  }
}

void RaftGroup::apply(std::size_t node, Effects effects) {
  auto& n = nodes_[node];
  for (auto& effect : effects) {
    trace_.add(effect.index());
    if (auto* send = std::get_if<Send>(&effect)) {
      check_vote(send->message);
      transmit(node, send->message);
    } else if (auto* persist = std::get_if<Persist>(&effect)) {
      n.batches.push_back(std::move(*persist));
      sync(node);
    } else if (const auto* applied = std::get_if<Apply>(&effect)) {
      apply(node, *applied);
    } else if (const auto* restored = std::get_if<Restore>(&effect)) {
      restore(node, restored->snapshot);
    } else if (std::holds_alternative<LeaderChanged>(effect)) {
      if (n.raft->leads()) check_leader(node);
    } else if (const auto* ready = std::get_if<ReadReady>(&effect)) {
      ++reads_done_;
      if (n.applied.value < reads_.at(ready->token)) fail("a read missed what was committed");
    }
  }
  if (n.raft->log().size() >= config_.compact_at) compact(node);
  arm(node);
}

void RaftGroup::compact(std::size_t node) {
  auto& n = nodes_[node];
  if (n.raft->applied() <= n.raft->log().snapshot().index) return;
  Bytes state;
  append_le(state, n.state);
  state.resize(state.size() + config_.padding);
  auto effects = n.raft->compact(std::move(state));
  COTERIE_ENSURE(effects.size() == 1);
  apply(node, std::move(effects));
}

void RaftGroup::apply(std::size_t node, const Apply& applied) {
  auto& n = nodes_[node];
  if (applied.index != next(n.applied)) return fail("an entry was applied out of order");
  n.applied = applied.index;
  n.state = fold(n.state, applied.index, applied.entry);
  trace_.add(n.state);
  const auto at = applied.index.value;
  if (at > chosen_.size()) return fail("an entry was applied before the one before it");
  if (at < chosen_.size()) {
    if (chosen_[at] != applied.entry) fail("two entries were committed at one index");
    return;
  }
  check_quorum_has(node, applied.index, applied.entry);
  chosen_.push_back(applied.entry);
  chosen_in_.push_back(n.raft->term());
  states_.push_back(n.state);
}

void RaftGroup::restore(std::size_t node, const Snapshot& snapshot) {
  auto& n = nodes_[node];
  if (snapshot.state.size() < 8) return fail("a snapshot lost its state");
  n.applied = snapshot.index;
  n.state = load_le<std::uint64_t>(snapshot.state.data());
  if (snapshot.index.value >= states_.size() || states_[snapshot.index.value] != n.state)
    fail("a snapshot is not the fold of what was committed");
}

void RaftGroup::transmit(std::size_t from, const Message& message) {
  const auto to = static_cast<std::size_t>(message.to.node.at(0) - 'a');
  const auto bytes = encode(message);
  trace_.add(bytes);
  for (int copy = random_.chance(config_.doubled) ? 2 : 1; copy > 0; --copy) {
    if (random_.chance(config_.loss)) continue;
    auto delay = config_.latency / 4 + random_.below(config_.latency);
    if (random_.chance(0.02)) delay = delay + random_.below(config_.latency * 50);  // reordered
    events_.push(now_ + delay,
                 {.kind = Event::Kind::arrive, .node = to, .from = from, .bytes = bytes});
  }
}

void RaftGroup::arm(std::size_t node) {
  auto& n = nodes_[node];
  if (!n.raft) return;
  const auto at = n.raft->next_deadline();
  if (at == never || at >= n.wake_at) return;
  n.wake_at = std::max(at, now_);
  events_.push(n.wake_at, {.kind = Event::Kind::wake, .node = node, .life = n.life});
}

void RaftGroup::propose(std::size_t node) {
  if (!is_up(node) || nodes_[node].paused_until > now_) return;
  Bytes command;
  append_le(command, ++commands_);
  Effects effects;
  (void)nodes_[node].raft->propose(std::move(command), effects);
  apply(node, std::move(effects));
}

void RaftGroup::read(std::size_t node) {
  if (!is_up(node) || nodes_[node].paused_until > now_) return;
  reads_[next_read_] = chosen_.size() - 1;
  apply(node, nodes_[node].raft->read(next_read_++, now_));
}

void RaftGroup::suspect(std::size_t node, std::size_t whom) {
  if (is_up(node)) apply(node, nodes_[node].raft->suspect(id_of(whom).node, now_));
}

void RaftGroup::add_learner(std::size_t by, std::size_t whom) {
  Effects effects;
  (void)nodes_[by].raft->add_learner(id_of(whom), now_, effects);
  apply(by, std::move(effects));
}

void RaftGroup::promote(std::size_t by, const MemberId& whom) {
  Effects effects;
  (void)nodes_[by].raft->promote(whom, now_, effects);
  apply(by, std::move(effects));
}

void RaftGroup::remove(std::size_t by, const MemberId& whom) {
  Effects effects;
  (void)nodes_[by].raft->remove(whom, now_, effects);
  apply(by, std::move(effects));
}

void RaftGroup::transfer(std::size_t by, const MemberId& to) {
  Effects effects;
  (void)nodes_[by].raft->transfer(to, now_, effects);
  apply(by, std::move(effects));
}

}  // namespace coterie::sim
