#include "runtime.hpp"

#include <algorithm>
#include <random>

#include "coterie/sharding/entity_hash.hpp"
#include "settings.hpp"

namespace coterie {

using transport::EventLoop;

namespace {

thread_local bool worker_thread = false;

/// Registration order does not matter; 0 means "none".
std::uint64_t digest(const std::vector<sharding::EntityType>& types) {
  std::vector<std::string> names;
  for (const auto& type : types) names.push_back(type.name);
  std::sort(names.begin(), names.end());
  std::string all;
  for (const auto& name : names) all += name + '\0';
  return names.empty() ? 0 : sharding::entity_hash(all) | 1;
}

}  // namespace

bool on_worker_thread() { return worker_thread; }

void submit(Runtime& runtime, RawAsk ask, RawCallback callback) {
  runtime.submit(std::move(ask), std::move(callback));
}

Result<std::shared_ptr<Runtime>> Runtime::open(Config config) {
  if (const auto good = settle(config); !good) return good.error();
  if (config.data.empty()) config.data = "./" + config.name + ".coterie";
  auto ports = parse_ports(config);
  if (!ports) return ports.error();
  auto directory = storage::DataDirectory::open(config.data);
  if (!directory) return directory.error();
  std::shared_ptr<storage::LmdbStripe> stripe;
  const auto open_journal = [&](const storage::StoredNode& stored) -> Status {
    auto opened =
        storage::LmdbStripe::open({.file = directory->file("journal-0.mdb"),
                                   .map_bytes = config.journal_map_bytes,
                                   .owner = {stored.replica, stored.start, stored.journal}});
    if (!opened) return opened.error();
    stripe = std::move(*opened);
    return Done{};
  };
  auto store = storage::NodeStore::open(*directory, config.name, open_journal);
  if (!store) return store.error();
  if (const auto noted = stripe->note_start(); !noted) return noted.error();
  if (const auto noted = store->save_journal(); !noted) return noted.error();
  std::shared_ptr<Runtime> runtime(new Runtime(std::move(config), std::move(*directory),
                                               std::move(*store), std::move(stripe), *ports));
  if (const auto bound = runtime->control_->bind(); !bound) return bound.error();
  runtime->ports_ = runtime->control_->ports();
  if (!runtime->config_.record.empty()) {
    auto recorder = Recorder::open(runtime->config_.record, runtime->config_.log);
    if (!recorder) return recorder.error();
    runtime->recorder_ = std::move(*recorder);
  }
  return runtime;
}

Runtime::Runtime(Config config, storage::DataDirectory directory, storage::NodeStore store,
                 std::shared_ptr<storage::LmdbStripe> stripe, Ports ports)
    : config_(std::move(config)),
      directory_(std::move(directory)),
      store_(std::move(store)),
      stripe_(std::move(stripe)),
      data_workers_(std::max<std::uint16_t>(1, config_.workers)) {
  std::random_device entropy;
  session_ = SessionId{std::uint64_t{entropy()} << 32 | entropy()};
  for (std::uint16_t i = 0; i <= config_.workers; ++i)
    loops_.push_back(std::make_unique<EventLoop>());
  control_ = std::make_unique<ControlWorker>(*loops_[0], store_, conn_ids_, ports, control_hooks());
}

Runtime::~Runtime() { stop(); }

ControlHooks Runtime::control_hooks() {
  return {.publish =
              [this](const cluster::RoutesPtr& routes) {
                for (std::size_t i = 0; i < data_.size(); ++i)
                  loops_[config_.workers == 0 ? 0 : i + 1]->post(
                      [worker = data_[i].get(), routes] { worker->routes(routes); });
              },
          .hand_off =
              [this](ConnId id, std::uint16_t worker, transport::Released released) {
                if (worker == 0 || worker > data_.size())
                  return;  // no such worker: its dialler times out
                loops_[config_.workers == 0 ? 0 : worker]->post(
                    [to = data_[worker - 1].get(), id,
                     held = std::make_shared<transport::Released>(std::move(released))] {
                      to->adopt(id, std::move(*held));
                    });
              },
          .handed_over =
              [this] {
                const std::lock_guard lock(mutex_);
                handed_over_ = true;
                changed_.notify_all();
              },
          .stopped = [this](std::optional<Error> problem) { on_stopped(std::move(problem)); },
          .metrics = [this] { return metrics(); },
          .pool = pool_,
          .user_messages = config_.pool != "memberlist",
          .log = config_.log};
}

void Runtime::register_type(sharding::EntityType type) {
  COTERIE_ENSURE(!joined_.load());  // entity types are registered before the node joins
  for (const auto& known : types_)
    COTERIE_ENSURE(known.id != type.id);  // a name registered twice, or two that collide
  types_.push_back(std::move(type));
}

cluster::NodeCoreConfig Runtime::core_config() const {
  const auto& stored = store_.stored();
  cluster::NodeCoreConfig core{
      .name = config_.name,
      .gossip = advertised(config_, control_->ports().gossip, true),
      .link = advertised(config_, control_->ports().link, false),
      .management = advertised(config_, control_->ports().management, false),
      .seeded = !config_.join.empty(),
      .bootstrap_expect = config_.bootstrap_expect,
      .data_workers = data_workers_,
      .entity_types = digest(types_),
      .start = stored.start,
      .session = session_,
      .cluster = stored.cluster,
      .stored = {stored.replica, stored.founder, stored.cluster_types, stored.registers,
                 stored.raft, stored.confirmed_life, stored.tried_life},
      .foreign_meta = foreign_meta(config_),
      .swim = swim_config(config_).value(),
      .placement = {.replicas = config_.replicas,
                    .min_in_sync = config_.min_in_sync,
                    .role = config_.shards_on},
      .traits = {config_.weight, config_.zone, config_.roles}};
  for (const auto& seed : config_.join)
    if (Discovery::is_literal(seed)) core.seeds.push_back(parse_address(seed).value());
  // A remembered peer is no seed that was given: it does not keep this node from bootstrapping,
  // only a cluster id does.
  core.known_peers = stored.peers;
  return core;
}

cluster::ShardCoreConfig Runtime::shard_config(std::uint16_t worker) const {
  auto replica = cluster::ShardCoreConfig{}.replica;
  replica.lease = config_.read_lease;
  return {.self = {.cluster = store_.stored().cluster,
                   .node = config_.name,
                   .start = store_.stored().start,
                   .from_worker = worker,
                   .session = SessionId{session_.value + worker},
                   .entity_types = digest(types_)},
          .data_workers = data_workers_,
          .wall_offset_ms = EventLoop::wall_offset_ms(),
          .passivate_after = config_.passivate_after,
          .disk = store_.stored().replica,
          .replica = replica,
          .history_bytes = config_.keep_history};
}

std::function<void(Bytes)> Runtime::tape(const std::string& worker) {
  if (!recorder_) return {};
  const auto life = std::to_string(store_.stored().start.value);
  return recorder_->file(config_.name + "-life-" + life + "-" + worker);
}

void Runtime::make_workers() {
  for (std::uint16_t worker = 1; worker <= data_workers_; ++worker) {
    auto& loop = *loops_[config_.workers == 0 ? 0 : worker];
    DataWorkerHooks hooks{.report =
                              [this](const cluster::ShardStatus& status) {
                                loops_[0]->post([this, status] { control_->shard_status(status); });
                              },
                          .propose =
                              [this](replication::Swap swap) {
                                loops_[0]->post([this, swap = std::move(swap)]() mutable {
                                  control_->propose(std::move(swap));
                                });
                              },
                          .log = config_.log,
                          .record = tape("worker-" + std::to_string(worker))};
    const auto now = EventLoop::now();
    const cluster::ShardOrigin origin{shard_config(worker), static_cast<std::uint64_t>(now.nanos),
                                      now};
    data_.push_back(
        std::make_unique<DataWorker>(loop, origin, types_, stripe_, conn_ids_, std::move(hooks)));
    inboxes_.push_back(data_.back()->mailbox());
  }
}

void Runtime::start_threads() {
  for (auto& loop : loops_)
    threads_.emplace_back([loop = loop.get()] {
      worker_thread = true;
      loop->run();
    });
}

void Runtime::join() {
  const std::lock_guard lock(life_);
  if (joined_.load() || stopped_) return;
  make_workers();
  control_->start(core_config(),
                  tape("control"));  // before the threads: nothing else touches it yet
  start_threads();
  joined_.store(true);
  start_discovery();
}

/// Only what has to be looked up needs a thread.
void Runtime::start_discovery() {
  if (std::all_of(config_.join.begin(), config_.join.end(), Discovery::is_literal)) return;
  const auto dns = parse_address(config_.dns);
  discovery_ = std::make_unique<Discovery>(
      config_.join, dns ? std::optional(*dns) : std::nullopt,
      [this](const std::vector<Address>& seeds) {
        loops_[0]->post([this, seeds] { control_->set_seeds(seeds); });
      },
      config_.log);
}

CommandId Runtime::command_id(const RawAsk& ask) {
  if (ask.options.command_id)
    return sharding::command_id(ask.type, ask.id, *ask.options.command_id);
  return CommandId::opaque(session_.value, commands_.fetch_add(1));
}

void Runtime::submit(RawAsk ask, RawCallback callback) {
  if (!joined_.load()) join();
  const auto stopped = [] { return error(Errc::unavailable, "this node has stopped"); };
  if (inboxes_.empty()) return callback ? callback(stopped()) : void();
  const auto command = command_id(ask);
  const auto deadline = EventLoop::now() + ask.options.deadline;
  const auto worker =
      cluster::worker_of(sharding::shard_of(sharding::entity_hash(ask.id)), data_workers_);
  MailboxAsk item{std::move(ask), std::move(callback), command, deadline};
  // A refused item is as it was. NOLINTNEXTLINE(bugprone-use-after-move)
  if (inboxes_[worker - 1u].put(std::move(item)) || !item.callback) return;
  item.callback(stopping_.load() ? stopped()
                                 : error(Errc::busy, "the worker's mailbox is full", 10ms));
}

void Runtime::on_stopped(std::optional<Error> problem) {
  const std::lock_guard lock(mutex_);
  core_stopped_ = true;
  if (problem && !failure_) failure_ = std::move(problem);
  changed_.notify_all();
}

void Runtime::request_stop() {
  const std::lock_guard lock(mutex_);
  stop_requested_ = true;
  changed_.notify_all();
}

void Runtime::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stop_requested_ || core_stopped_; });
}

std::optional<Error> Runtime::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::string Runtime::metrics() {
  // Counters live on their own threads: this asks for fresh copies and shows the last ones, one
  // scrape old at most.
  for (std::size_t i = 0; i < data_.size(); ++i)
    loops_[config_.workers == 0 ? 0 : i + 1]->post([this, i, worker = data_[i].get()] {
      const auto& core = worker->core();
      const std::lock_guard lock(mutex_);
      snapshots_.resize(std::max(snapshots_.size(), i + 1));
      snapshots_[i] = {core.counters(), core.link_counters(), core.entities().known(),
                       core.entities().active(), core.parked()};
    });
  std::vector<DataSnapshot> copy;
  {
    const std::lock_guard lock(mutex_);
    copy = snapshots_;
  }
  return exposition(*control_->core(), copy, stripe_->counters());
}

}  // namespace coterie
