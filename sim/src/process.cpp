#include "coterie/sim/process.hpp"

#include "coterie/replication/raft/stored.hpp"

namespace coterie::sim {
namespace {

constexpr std::size_t max_reports = 65'536;
constexpr Duration report_delay = 1ms;
constexpr Duration hand_off_delay = 10us;
constexpr Duration drain_poll = 20ms;
constexpr std::uint16_t most_workers = 3;
constexpr std::uint64_t few_credits = 8;  // so that they run out

}  // namespace

Process::Process(World& world, std::size_t index, Disk& disk, Random random)
    : world_(world),
      index_(index),
      disk_(disk),
      workers_(static_cast<std::uint16_t>(1 + random.below(std::uint64_t{most_workers}))),
      gossip_(world, index, gossip_handler_, {}),
      lanes_(world, index, lane_handler_, {.largest_message = 2 * wire::max_frame_bytes}),
      timer_(world),
      store_(
          disk,
          [this](Duration delay, std::function<void()> task) { later(delay, std::move(task)); },
          [this] { end_of_store(); }) {
  disk_.start = next(disk_.start);
  if (disk_.number == 0) disk_.number = random.next() | 1;
  const SessionId session{random.next()};
  reports_ = std::make_unique<Mailbox<cluster::ShardStatus>>(
      world, max_reports, report_delay, random.split(),
      [this](std::vector<cluster::ShardStatus>& batch) {
        for (const auto& status : batch) feed(cluster::node_input::ShardReport{status});
      });
  proposals_ = std::make_unique<Mailbox<replication::Swap>>(
      world, max_reports, report_delay, random.split(),
      [this](std::vector<replication::Swap>& batch) {
        for (const auto& swap : batch) feed(cluster::node_input::ShardProposal{swap});
      });
  make_workers(session, random);
  const cluster::NodeOrigin origin{core_config(session), random.next(), world_.now()};
  if (world_.records())
    tape_ = std::make_unique<cluster::Tape>(origin, world_.tape(name_of(index_), disk_.start, 0));
  node_ = std::make_unique<cluster::NodeCore>(origin.config, Random(origin.seed), origin.now);
  gossip_.listen(World::gossip_address(index));
  lanes_.listen(World::link_address(index));
  world_.network().bind(World::gossip_address(index), index,
                        [this](const Address& from, ByteView bytes) {
                          feed(cluster::node_input::Datagram{from, bytes});
                        });
}

Process::~Process() { world_.network().unbind(World::gossip_address(index_)); }

cluster::NodeCoreConfig Process::core_config(SessionId session) const {
  cluster::NodeCoreConfig config{.name = name_of(index_),
                                 .gossip = World::gossip_address(index_),
                                 .link = World::link_address(index_),
                                 .known_peers = disk_.peers,
                                 .bootstrap_expect = static_cast<std::uint32_t>(world_.size()),
                                 .data_workers = workers_,
                                 .entity_types = sharding::entity_hash("account") | 1,
                                 .start = disk_.start,
                                 .session = session,
                                 .cluster = disk_.cluster,
                                 .stored = {.disk = disk_.number,
                                            .founder = disk_.founder,
                                            .entity_types = 0,
                                            .registers = {},
                                            .raft = disk_.raft,
                                            .confirmed_life = disk_.confirmed_life,
                                            .tried_life = disk_.tried_life}};
  if (index_ > 0) config.seeds.push_back(World::gossip_address(0));
  config.seeded = index_ > 0;
  return config;
}

void Process::make_workers(SessionId session, Random& random) {
  for (std::uint16_t worker = 1; worker <= workers_; ++worker) {
    const messaging::Hello self{.cluster = disk_.cluster,
                                .node = name_of(index_),
                                .start = disk_.start,
                                .from_worker = worker,
                                .session = SessionId{session.value + worker},
                                .entity_types = sharding::entity_hash("account") | 1};
    DataWorkerHooks hooks{
        .report =
            [this](const cluster::ShardStatus& status) { COTERIE_ENSURE(reports_->put(status)); },
        .propose =
            [this](replication::Swap swap) { COTERIE_ENSURE(proposals_->put(std::move(swap))); }};
    if (world_.records()) hooks.record = world_.tape(name_of(index_), disk_.start, worker);
    auto replica = cluster::ShardCoreConfig{}.replica;
    replica.lease = world_.read_lease();
    const cluster::ShardOrigin origin{
        {.self = self,
         .data_workers = workers_,
         .passivate_after = 2s,
         .credits = {.messages = few_credits, .patient = few_credits / 2},
         .disk = disk_.number,
         .replica = replica,
         .history_bytes = world_.history_bytes()},
        random.next(),
        world_.now()};
    data_.push_back(std::make_unique<DataWorker>(world_, index_, disk_, origin, random.split(),
                                                 std::move(hooks)));
  }
}

void Process::later(Duration delay, std::function<void()> task) {
  world_.after(delay, [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void Process::ask(AccountAsk ask) {
  const auto shard = sharding::shard_of(sharding::entity_hash(ask.account));
  data_[cluster::worker_of(shard, workers_) - 1u]->ask(std::move(ask));
}

void Process::GossipStreams::accepted(ConnId id) {
  process.feed(cluster::node_input::StreamAccepted{id});
}
std::size_t Process::GossipStreams::received(ConnId id, ByteView bytes) {
  return process.feed(cluster::node_input::StreamReceived{id, bytes});
}
void Process::GossipStreams::closed(ConnId id) {
  process.feed(cluster::node_input::StreamClosed{id});
}

void Process::ControlLanes::accepted(ConnId id) {
  process.feed(cluster::node_input::LinkAccepted{id});
}
void Process::ControlLanes::connected(ConnId id) {
  process.feed(cluster::node_input::LinkConnected{id});
}
std::size_t Process::ControlLanes::received(ConnId id, ByteView bytes) {
  return process.feed(cluster::node_input::LinkReceived{id, bytes});
}
void Process::ControlLanes::closed(ConnId id) { process.feed(cluster::node_input::LinkClosed{id}); }
void Process::ControlLanes::written(ConnId id) {
  process.feed(cluster::node_input::LinkWritten{id});
}

std::size_t Process::feed(const cluster::NodeInput& input) {
  auto outcome = cluster::feed(*node_, input, world_.now(), tape_.get());
  for (auto& effect : outcome.effects) apply(effect);
  timer_.set(node_->next_deadline(), [this] { feed(cluster::node_input::Tick{}); });
  return outcome.consumed;
}

void Process::apply(cluster::NodeEffect& effect) {
  world_.trace_hash().add(effect.index());
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, membership::SendDatagram>) {
          world_.trace_hash().add(e.bytes);
          world_.network().datagram(index_, World::gossip_address(index_), e.to,
                                    std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::OpenStream>) {
          gossip_.dial(e.stream, e.to);
          gossip_.write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::WriteStream>) {
          gossip_.write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::CloseStream>) {
          gossip_.close(e.stream);
        } else if constexpr (std::is_same_v<E, messaging::Connect>) {
          lanes_.dial(e.conn, e.to);
        } else if constexpr (std::is_same_v<E, messaging::Write>) {
          world_.trace_hash().add(e.bytes);
          lanes_.write(e.conn, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, messaging::Close>) {
          lanes_.close(e.conn);
        } else if constexpr (std::is_same_v<E, messaging::HandOff>) {
          later(hand_off_delay, [this, conn = e.conn, worker = e.worker] {
            const auto released = lanes_.release(conn);
            if (released && worker >= 1 && worker <= data_.size())
              data_[worker - 1u]->adopt(conn, *released);
          });
        } else if constexpr (std::is_same_v<E, cluster::PersistIdentity> ||
                             std::is_same_v<E, cluster::PersistLife> ||
                             std::is_same_v<E, replication::raft::Persist>) {
          persist(e);
        } else if constexpr (std::is_same_v<E, cluster::RememberPeers>) {
          disk_.peers = e.gossip;
        } else if constexpr (std::is_same_v<E, cluster::PublishRoutes>) {
          for (const auto& worker : data_) worker->routes(e.routes);
        } else if constexpr (std::is_same_v<E, cluster::HandedOver>) {
          depart();
        } else if constexpr (std::is_same_v<E, cluster::Stop>) {
          left_ = true;
        }
      },
      effect);
}

bool Process::wish(const std::string& node, const std::string& what) {
  if (!node_->swim().knows_shared(world_.now())) return false;
  feed(cluster::node_input::Share{
      {.key = {gossip::SharedKind::map, std::string(cluster::wishes_name)},
       .remove = what.empty(),
       .item = node,
       .value = what}});
  return true;
}

/// What is in flight ends first.
void Process::depart() {
  const bool quiet = std::all_of(data_.begin(), data_.end(),
                                 [](const auto& worker) { return worker->core().quiet(); });
  later(quiet ? report_delay : drain_poll, [this, quiet] {
    if (quiet) feed(cluster::node_input::Depart{});
    else depart();
  });
}

/// What is written outlives the process: it knows the disk alone.
void Process::persist(const cluster::PersistIdentity& identity) {
  store_.run(
      [&disk = disk_, identity, name = name_of(index_)] {
        disk.cluster = identity.cluster;
        disk.founder = disk.founder || identity.founder;
        // Its log begins behind the group's first snapshot, as storage/ has it by the entries'
        // indexes.
        if (identity.founder)
          disk.raft = replication::RaftMetaStore::founded({name, disk.number}, {});
      },
      [this] { feed(cluster::node_input::IdentityPersisted{}); });
}

void Process::persist(const cluster::PersistLife& life) {
  store_.run(
      [&disk = disk_, life] {
        disk.confirmed_life = life.confirmed;
        disk.tried_life = life.tried;
      },
      [this] { feed(cluster::node_input::LifePersisted{}); });
}

void Process::persist(const replication::raft::Persist& batch) {
  store_.run([&disk = disk_, batch] { replication::raft::write(disk.raft, batch); },
             [this, number = batch.batch] { feed(cluster::node_input::RaftPersisted{number}); });
}

/// As node/ does: it cannot promise anything any more.
void Process::end_of_store() {
  world_.after(1us, [&world = world_, node = index_, life = disk_.start] {
    if (world.is_up(node) && world.disk(node).start == life) world.kill(node, false);
  });
}

}  // namespace coterie::sim
