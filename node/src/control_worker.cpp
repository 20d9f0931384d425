#include "control_worker.hpp"

#include "management.hpp"

namespace coterie {

using transport::EventLoop;
namespace node_input = cluster::node_input;

namespace {

transport::TcpLimits stream_limits() {
  return {.connections = membership::max_streams,
          .read_buffer = 16 * 1024,
          .largest_message = 64 * 1024};
}
transport::TcpLimits control_lane_limits() {
  transport::TcpLimits limits;
  limits.largest_message = 2 * wire::max_frame_bytes;
  return limits;
}

}  // namespace

ControlWorker::ControlWorker(EventLoop& loop, storage::NodeStore& store,
                             std::atomic<std::uint64_t>& conn_ids, Ports ports, ControlHooks hooks)
    : loop_(loop),
      store_(store),
      conn_ids_(conn_ids),
      ports_(ports),
      hooks_(std::move(hooks)),
      pool_actions_{
          .broadcast =
              [this](std::string name, Bytes payload, bool coalesce) {
                broadcast(std::move(name), std::move(payload), coalesce);
              },
          .query =
              [this](std::uint64_t number, std::string name, Bytes payload, Duration timeout) {
                query(number, std::move(name), std::move(payload), timeout);
              },
          .bridge = *hooks_.pool,
          .offered = hooks_.user_messages},
      timer_(loop),
      store_thread_(std::make_unique<StoreThread>(hooks_.log, [this](const Error& problem) {
        loop_.post([this, problem] {
          hooks_.pool->close();
          hooks_.stopped(error(Errc::storage, problem.detail +
                                                  "; this node cannot promise anything any more: "
                                                  "restart it on a sound disk"));
        });
      })) {}

ControlWorker::~ControlWorker() { store_thread_.reset(); }

Status ControlWorker::bind() {
  for (const auto* part : {"gossip", "links", "management"})
    if (const auto started = start_part(part); !started) return started.error();
  return Done{};
}

Status ControlWorker::start_part(const std::string& part) {
  if (part == "gossip") return start_gossip();
  if (part == "links") return start_links();
  return start_management();
}

/// One port number for UDP and TCP, as memberlist has it; port 0 takes what TCP got.
Status ControlWorker::start_gossip() {
  const auto failed = [this](const std::string& reason) { part_failed("gossip", reason); };
  udp_.reset();
  if (gossip_tcp_) gossip_tcp_->close_all();
  gossip_tcp_ = std::make_unique<transport::TcpHost>(loop_, gossip_handler_, conn_ids_,
                                                     stream_limits(), failed);
  if (const auto bound = gossip_tcp_->listen(ports_.gossip); !bound) return bound.error();
  ports_.gossip = gossip_tcp_->local();
  udp_ = std::make_unique<transport::UdpSocket>(
      loop_,
      [this](const Address& from, ByteView datagram) {
        if (core_) feed(node_input::Datagram{from, datagram});
      },
      failed);
  return udp_->bind(ports_.gossip);
}

Status ControlWorker::start_links() {
  if (links_) links_->close_all();  // the core hears of each: it would wait for dead lanes
  links_ = std::make_unique<transport::TcpHost>(
      loop_, lane_handler_, conn_ids_, control_lane_limits(),
      [this](const std::string& reason) { part_failed("links", reason); });
  auto bound = links_->listen(ports_.link);
  if (bound) ports_.link = links_->local();
  return bound;
}

Status ControlWorker::start_management() {
  http_ = std::make_unique<transport::HttpServer>(
      loop_,
      [this](const transport::HttpRequest& request) {
        if (core_)
          if (auto answer = answer_pool(request, pool_actions_)) return std::move(*answer);
        if (core_)
          if (auto answer =
                  answer_placement(request, *core_, EventLoop::now(), placement_actions()))
            return std::move(*answer);
        return answer_management(request, core_ ? &*core_ : nullptr, hooks_.metrics);
      },
      [this](const std::string& reason) { part_failed("management", reason); });
  auto bound = http_->listen(ports_.management);
  if (bound) ports_.management = http_->local();
  return bound;
}

void ControlWorker::part_failed(const std::string& part, const std::string& reason) {
  // Not from inside the part's own callback: it will be replaced.
  loop_.post([this, part, reason] {
    if (core_) feed(node_input::PartFailed{part, reason});
  });
}

void ControlWorker::start(cluster::NodeCoreConfig config, std::function<void(Bytes)> record) {
  const auto now = EventLoop::now();
  const auto seed = config.session.value ^ static_cast<std::uint64_t>(now.nanos);
  if (record)
    tape_ =
        std::make_unique<cluster::Tape>(cluster::NodeOrigin{config, seed, now}, std::move(record));
  core_.emplace(std::move(config), Random(seed), now);
  feed(node_input::Start{});
}

void ControlWorker::leave() { feed(node_input::Leave{}); }
void ControlWorker::depart() { feed(node_input::Depart{}); }

/// What reaches a node that never joined or has stopped is nothing.
void ControlWorker::broadcast(std::string name, Bytes payload, bool coalesce) {
  if (core_) feed(node_input::Broadcast{std::move(name), std::move(payload), coalesce});
}
void ControlWorker::query(std::uint64_t number, std::string name, Bytes payload, Duration timeout) {
  if (core_) feed(node_input::Query{number, std::move(name), std::move(payload), timeout});
}
void ControlWorker::answer(std::uint64_t number, Bytes payload) {
  if (core_) feed(node_input::Answer{number, std::move(payload)});
}

void ControlWorker::set_seeds(std::vector<Address> seeds) {
  if (core_) feed(node_input::Seeds{std::move(seeds)});
}

void ControlWorker::set_metadata(Bytes metadata) {
  if (core_) feed(node_input::SetDetails{std::move(metadata)});
}

void ControlWorker::share(gossip::SharedChange change) {
  if (core_) feed(node_input::Share{std::move(change)});
}

void ControlWorker::propose(replication::Swap swap) {
  if (core_) feed(node_input::ShardProposal{std::move(swap)});
}

PlacementActions ControlWorker::placement_actions() {
  return {.move =
              [this](ShardId shard, std::string to) {
                feed(node_input::Move{shard, std::move(to)});
              },
          .force_primary =
              [this](ShardId shard, std::string to) {
                feed(node_input::ForcePrimary{shard, std::move(to)});
              },
          .wish = [this](gossip::SharedChange change) { share(std::move(change)); }};
}

void ControlWorker::shard_status(const cluster::ShardStatus& status) {
  feed(node_input::ShardReport{status});
}

void ControlWorker::stop() {
  timer_.set(never, {});
  hooks_.pool->close();
  if (udp_) udp_->close();
  if (gossip_tcp_) gossip_tcp_->stop();
  if (links_) links_->stop();
  if (http_) http_->stop();
  tape_.reset();
}

void ControlWorker::GossipStreams::accepted(ConnId id) {
  if (worker.core_) worker.feed(node_input::StreamAccepted{id});
}
std::size_t ControlWorker::GossipStreams::received(ConnId id, ByteView bytes) {
  if (worker.core_) worker.feed(node_input::StreamReceived{id, bytes});
  return bytes.size();
}
void ControlWorker::GossipStreams::closed(ConnId id) {
  if (worker.core_) worker.feed(node_input::StreamClosed{id});
}

void ControlWorker::ControlLanes::accepted(ConnId id) {
  if (worker.core_) worker.feed(node_input::LinkAccepted{id});
}
void ControlWorker::ControlLanes::connected(ConnId id) {
  worker.feed(node_input::LinkConnected{id});
}
std::size_t ControlWorker::ControlLanes::received(ConnId id, ByteView bytes) {
  if (!worker.core_) return bytes.size();
  return worker.feed(node_input::LinkReceived{id, bytes});
}
void ControlWorker::ControlLanes::closed(ConnId id) {
  if (worker.core_) worker.feed(node_input::LinkClosed{id});
}
void ControlWorker::ControlLanes::written(ConnId id) { worker.feed(node_input::LinkWritten{id}); }

}  // namespace coterie
