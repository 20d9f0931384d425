#include "coterie/sim/shard_group.hpp"

#include "coterie/core/ensure.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::sim {

using namespace replication::shard_log;

namespace {

constexpr std::size_t most_at_once = 100'000;  // events of one instant: a deadline in the past

}  // namespace

ShardGroup::ShardGroup(ShardGroupConfig config) : config_(config), random_(config.seed) {
  nodes_.resize(config_.nodes);
  for (auto& node : nodes_) node.disk_id = next_disk_++;
  if (config_.lease > Duration::zero())
    for (auto& node : nodes_)
      node.drift = static_cast<std::int64_t>((random_.unit() - 0.5) * 1e6 / lease_drift);
  assignment_ = {.epoch = Epoch{1}, .primary = id_of(0), .start = StartId{1}};
  for (std::size_t i = 0; i < config_.replicas; ++i) assignment_.in_sync.push_back(id_of(i));
  assignment_.replicas = assignment_.in_sync;
  assignment_.min_in_sync = config_.min_in_sync;
  chosen_.resize(1);
  chosen_in_.resize(1);
  for (std::size_t i = 0; i < size(); ++i) start(i);
}

Replica ShardGroup::id_of(std::size_t node) const {
  return {std::string(1, static_cast<char>('a' + node)), nodes_[node].disk_id};
}

bool ShardGroup::exists(const Replica& id) const { return id_of(node_of(id)) == id; }

void ShardGroup::start(std::size_t node) {
  auto& n = nodes_[node];
  if (n.replica) return;
  ++n.life;
  n.paused_until = {};
  n.batches.clear();
  n.syncing = false;
  n.reported = {};
  n.disk.start = next(n.disk.start);
  Stored stored{.base = n.disk.base,
                .last = n.disk.last(),
                .promised = n.disk.promised,
                .opened = clock_of(node)};
  for (std::size_t i = 0; i < n.disk.entries.size(); ++i)
    if (stored.starts.empty() || stored.starts.back().epoch != n.disk.entries[i].epoch)
      stored.starts.push_back({n.disk.entries[i].epoch, LogIndex{n.disk.base.last.value + i + 1}});
  n.replica = std::make_unique<ShardReplica>(
      ReplicaConfig{.batch_bytes = config_.batch_bytes, .tail_bytes = 400, .lease = config_.lease},
      id_of(node), n.disk.start, std::move(stored));
  n.wake_at = never;
  tell_assignment(node);
}

void ShardGroup::kill(std::size_t node) {
  nodes_[node].replica.reset();
  nodes_[node].held.clear();
}

void ShardGroup::wipe(std::size_t node) {
  kill(node);
  nodes_[node].disk = {};
  if (!mutated("shard: a lost disk returns as the same replica"))
    nodes_[node].disk_id = next_disk_++;
}

void ShardGroup::pause(std::size_t node, Duration span) {
  nodes_[node].paused_until = std::max(nodes_[node].paused_until, now_ + span);
}

void ShardGroup::heal() {
  groups_.clear();
  config_.loss = config_.doubled = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    nodes_[i].paused_until = {};
    if (is_up(i)) resume(i);
    start(i);
    arm(i);
  }
}

void ShardGroup::run_until(Instant end) {
  std::size_t at_once = 0;
  while (problem_.empty() && !events_.empty() && events_.next_at() <= end) {
    at_once = events_.next_at() > now_ ? 0 : at_once + 1;
    if (at_once > most_at_once) return fail("time stands still");
    now_ = std::max(now_, events_.next_at());
    handle(events_.pop());
  }
  now_ = std::max(now_, end);
}

void ShardGroup::write(Node& node, const Persist& batch) {
  auto& disk = node.disk;
  disk.promised = std::max(disk.promised, batch.promised);
  if (batch.from == LogIndex{}) return;
  if (batch.begins) {
    ++begun_anew_;
    disk.base = *batch.begins;
    disk.entries.clear();
    if (disk.base.last.value > committed()) fail("a log begins behind what is committed");
  }
  COTERIE_ENSURE(batch.from > disk.base.last && batch.from <= next(disk.last()));
  disk.entries.resize(batch.from.value - disk.base.last.value - 1);
  disk.entries.insert(disk.entries.end(), batch.entries.begin(), batch.entries.end());
}

/// Group commit: what came during a sync goes with the next one.
void ShardGroup::sync(std::size_t node) {
  auto& n = nodes_[node];
  if (n.syncing || n.batches.empty()) return;
  n.syncing = true;
  events_.push(now_ + config_.sync / 4 + random_.below(config_.sync),
               {.kind = Event::Kind::synced,
                .node = node,
                .life = n.life,
                .batches = std::exchange(n.batches, {})});
}

void ShardGroup::handle(Event event) {
  if (event.kind == Event::Kind::asked) return decide(event);
  auto& node = nodes_[event.node];
  const bool any_life = event.kind == Event::Kind::arrive || event.kind == Event::Kind::answered;
  if (!node.replica || (!any_life && event.life != node.life)) return;
  if (event.kind == Event::Kind::resume) return resume(event.node);
  if (event.kind == Event::Kind::arrive && cut(event.from, event.node)) return;
  if (event.kind == Event::Kind::synced) {  // the disk does not pause
    for (const auto& batch : event.batches) write(node, batch);
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
void ShardGroup::resume(std::size_t node) {
  auto& n = nodes_[node];
  if (n.paused_until > now_)
    return events_.push(n.paused_until,
                        {.kind = Event::Kind::resume, .node = node, .life = n.life});
  for (auto& event : std::exchange(n.held, {})) deliver(event);
}

void ShardGroup::deliver(Event& event) {
  auto& replica = *nodes_[event.node].replica;
  switch (event.kind) {
    case Event::Kind::wake:
      nodes_[event.node].wake_at = never;
      return apply(event.node, replica.tick(clock_of(event.node)));
    case Event::Kind::synced:
      for (const auto& batch : event.batches)
        apply(event.node, replica.persisted(batch.batch, clock_of(event.node)));
      return;
    case Event::Kind::arrive:
      return apply(event.node, replica.receive(event.message, clock_of(event.node)));
    case Event::Kind::answered: return assign(event);
    case Event::Kind::log: {
      std::vector<Entry> entries;
      const auto& disk = nodes_[event.node].disk;
      for (auto i = event.read.from.value; disk.at(i) != nullptr && entries.size() < 3; ++i)
        entries.push_back(*disk.at(i));
      return apply(event.node, replica.log_read(event.read, std::move(entries)));
    }
    default: return;
  }
}

/// As the cluster does it: told again when what was granted has run out.
void ShardGroup::assign(const Event& event) {
  auto& replica = *nodes_[event.node].replica;
  const auto now = clock_of(event.node);
  const bool leads = event.assignment.primary == id_of(event.node);
  if (leads && !replica.leads() && now < replica.granted_until())
    events_.push(now_ + (replica.granted_until() - now) * (lease_drift + 1) / lease_drift, event);
  apply(event.node, replica.assigned(event.assignment, now));
}

void ShardGroup::apply(std::size_t node, Effects effects) {
  auto& n = nodes_[node];
  check_promise(node);
  for (auto& effect : effects) {
    trace_.add(effect.index());
    if (auto* send = std::get_if<Send>(&effect)) {
      transmit(node, send->message);
    } else if (auto* persist = std::get_if<Persist>(&effect)) {
      n.batches.push_back(std::move(*persist));
      sync(node);
    } else if (const auto* read = std::get_if<ReadLog>(&effect)) {
      events_.push(now_ + random_.below(config_.sync),
                   {.kind = Event::Kind::log, .node = node, .life = n.life, .read = *read});
    } else if (const auto* proposed = std::get_if<Propose>(&effect)) {
      swap(node, proposed->desired);
      if (on_proposed) on_proposed(proposed->desired);
    } else if (const auto* committed = std::get_if<Committed>(&effect)) {
      check_committed(node, committed->index);
    } else if (std::holds_alternative<Serving>(effect)) {
      ++reigns_;
      check_serving(node);
      if (on_serving) on_serving(node);
    } else if (const auto* ready = std::get_if<ReadReady>(&effect)) {
      check_read(node, *ready);
    }
  }
  arm(node);
}

void ShardGroup::transmit(std::size_t from, const Message& message) {
  trace_.add(message.epoch.value);
  if (const auto* append = std::get_if<Append>(&message.body); append && append->discards)
    fail("a primary discards what another one has as committed");
  for (int copy = random_.chance(config_.doubled) ? 2 : 1; copy > 0; --copy) {
    if (random_.chance(config_.loss)) continue;
    auto delay = config_.latency / 4 + random_.below(config_.latency);
    if (random_.chance(0.02)) delay = delay + random_.below(config_.latency * 50);  // reordered
    events_.push(now_ + delay, {.kind = Event::Kind::arrive,
                                .node = node_of(message.to),
                                .from = from,
                                .message = message});
  }
}

/// Most ways are short; some are so long that much happens before a request lands.
Duration ShardGroup::register_way() {
  const auto way = config_.register_delay / 4 + random_.below(config_.register_delay);
  return random_.chance(0.1) ? way + random_.below(config_.register_delay * 200) : way;
}

void ShardGroup::swap(std::size_t asker, const Assignment& desired) {
  if (random_.chance(0.1)) return;  // the request got lost
  events_.push(now_ + register_way(),
               {.kind = Event::Kind::asked, .node = asker, .assignment = desired});
}

void ShardGroup::decide(const Event& asked) {
  const auto& desired = asked.assignment;
  if (desired.epoch == next(assignment_.epoch)) {
    assignment_ = desired;
    check_in_sync();
    trace_.add(desired.epoch.value);
  }
  if (!random_.chance(0.2)) tell_assignment(asked.node);  // or the answer got lost
}

void ShardGroup::tell_assignment(std::size_t node) {
  events_.push(now_ + register_way(),
               {.kind = Event::Kind::answered, .node = node, .assignment = assignment_});
}

void ShardGroup::claim(std::size_t node) {
  if (!is_up(node)) return;
  const auto& seen = replica(node).assignment();
  if (seen.primary != id_of(node) || seen.start == nodes_[node].disk.start) return;
  auto desired = seen;
  desired.epoch = next(seen.epoch);
  desired.start = nodes_[node].disk.start;
  swap(node, desired);
}

Instant ShardGroup::clock_of(std::size_t node) const {
  return now_ + Duration{now_.nanos / 1'000'000 * nodes_[node].drift};
}

void ShardGroup::arm(std::size_t node) {
  auto& n = nodes_[node];
  if (!n.replica) return;
  auto at = n.replica->next_deadline();
  if (at != never) at = now_ + (at - clock_of(node)) + (at - clock_of(node)) / lease_drift;
  if (at == never || at >= n.wake_at) return;
  n.wake_at = std::max(at, now_);
  events_.push(n.wake_at, {.kind = Event::Kind::wake, .node = node, .life = n.life});
}

void ShardGroup::append(std::size_t node) {
  if (!is_up(node) || nodes_[node].paused_until > now_) return;
  Bytes record;
  append_le(record, ++commands_);
  Effects effects;
  (void)nodes_[node].replica->append(std::move(record), effects);
  apply(node, std::move(effects));
}

void ShardGroup::read(std::size_t node) {
  if (!is_up(node) || nodes_[node].paused_until > now_) return;
  reads_[next_read_] = chosen_.size() - 1;
  apply(node, nodes_[node].replica->read(next_read_++, clock_of(node)));
}

void ShardGroup::trim(std::size_t node, Random& random) {
  if (!is_up(node)) return;
  auto& n = nodes_[node];
  const auto known = std::min(n.replica->commit(), n.replica->durable());
  if (known < n.replica->first()) return;
  n.replica->trim(LogIndex{1 + random.below(known.value)});
  auto& disk = n.disk;
  const auto count = n.replica->first().value - 1 - disk.base.last.value;
  if (count == 0) return;
  if (n.replica->first().value > committed() + 1) return fail("trimmed, and not committed");
  disk.base = {LogIndex{disk.base.last.value + count}, disk.entries[count - 1].epoch};
  disk.entries.erase(disk.entries.begin(),
                     disk.entries.begin() + static_cast<std::ptrdiff_t>(count));
}

void ShardGroup::hand_over(std::size_t node, std::size_t to) {
  if (!is_up(node) || nodes_[node].paused_until > now_ || !is_up(to)) return;
  auto& replica = *nodes_[node].replica;
  if (!replica.may_hand_over(id_of(to))) return;
  ++handed_over_;
  apply(node, replica.hand_over(id_of(to), nodes_[to].disk.start, clock_of(node)));
}

}  // namespace coterie::sim
