#include "coterie/sim/process.hpp"

#include "coterie/sim/world.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::sim {
namespace {

constexpr Duration routes_delay = 800ms;  // the most that a table snapshot takes to the data plane

}  // namespace

Process::Process(World& world, std::size_t index, Disk& disk, std::uint64_t life, Random random)
    : world_(world), index_(index), disk_(disk), life_(life), random_(random.split()) {
  disk_.start = next(disk_.start);
  const auto digest = sharding::entity_hash("account") | 1;
  journal_ = std::make_unique<SimJournal>(
      disk_, [this](Duration delay, std::function<void()> task) { later(delay, std::move(task)); },
      [this] {
        for (auto& event : journal_->poll())
          shards_->journal(std::move(event), world_.now(), *this);
        finish_data();
      });
  const SessionId session{random.next()};
  cluster::NodeCoreConfig config{.name = name_of(index),
                                 .gossip = World::gossip_address(index),
                                 .link = World::link_address(index),
                                 .known_peers = disk_.peers,
                                 .bootstrap_expect = static_cast<std::uint32_t>(world_.size()),
                                 .data_workers = 1,
                                 .entity_types = digest,
                                 .start = disk_.start,
                                 .session = session,
                                 .cluster = disk_.cluster,
                                 .hosts_register = disk_.hosts_register,
                                 .cluster_types = disk_.cluster_types,
                                 .registers = disk_.registers};
  if (index > 0) config.seeds.push_back(World::gossip_address(0));
  messaging::Hello hello{.cluster = disk_.cluster,
                         .node = config.name,
                         .start = disk_.start,
                         .from_worker = 1,
                         .session = SessionId{session.value + 1},
                         .entity_types = digest};
  shards_ = std::make_unique<cluster::ShardCore>(
      cluster::ShardCoreConfig{.self = hello, .data_workers = 1, .passivate_after = 2s},
      account_types(), random.split(), world_.now());
  node_ = std::make_unique<cluster::NodeCore>(std::move(config), random.split(), world_.now());
}

Process::~Process() { world_.count_moved(shards_->counters().moved); }

void Process::begin() { apply(node_->start(world_.now())); }
void Process::transfer(ShardId shard, const std::string& to) {
  apply(node_->transfer(shard, to, world_.now()));
}
void Process::leave() { apply(node_->leave(world_.now())); }

void Process::later(Duration delay, std::function<void()> task) {
  world_.after(delay, [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void Process::ask(const std::string& account, std::uint8_t tag, std::int64_t cents, CommandId id,
                  Duration deadline, Answer answer) {
  const auto token = next_token_++;
  answers_[token] = std::move(answer);
  Bytes payload;
  wire::MsgpackWriter(payload).signed_integer(cents);
  shards_->ask({.token = token,
                .type = account_types()[0].id,
                .id = account,
                .tag = tag,
                .payload = payload,
                .deadline = world_.now() + deadline,
                .command = id},
               world_.now(), *this);
  finish_data();
}

void Process::complete(const cluster::Completion& completion) {
  world_.trace_hash().add(completion.token);
  world_.trace_hash().add(completion.status);
  const auto found = answers_.find(completion.token);
  if (found == answers_.end()) return;
  const auto answer = std::move(found->second);
  answers_.erase(found);
  wire::MsgpackReader in(completion.payload);
  answer(completion.status, completion.status == 0 ? in.signed_integer() : 0);
}

void Process::append(replication::AppendRequest&& request) {
  world_.trace_hash().add(request.record);
  journal_->append(std::move(request));
}

void Process::link(messaging::LinkEffect&& effect) {
  auto& net = world_.network();
  if (const auto* dial = std::get_if<messaging::Connect>(&effect))
    net.dial(index_, Plane::data, dial->conn, dial->to);
  if (auto* write = std::get_if<messaging::Write>(&effect)) {
    world_.trace_hash().add(write->bytes);
    net.write(index_, Plane::data, write->conn, std::move(write->bytes));
    later(Duration{1000}, [this, conn = write->conn] { shards_->written(conn), finish_data(); });
  }
  if (const auto* close = std::get_if<messaging::Close>(&effect))
    net.close(index_, Plane::data, close->conn);
}

void Process::report(const cluster::ShardStatus& status) {
  later(10us, [this, status] {
    apply(node_->shard_status(status, world_.now()));
  });  // a mailbox is never instant
}

void Process::finish_data() {
  shards_->flush(*this);
  arm_data();
}

void Process::arm_data() {
  const auto at = std::max(shards_->next_deadline(), world_.now());
  if (at >= data_at_ || at == never) return;
  data_at_ = at;
  later(at - world_.now(), [this, at] {
    if (data_at_ == at) data_at_ = never;
    shards_->tick(world_.now(), *this);
    finish_data();
  });
}

void Process::arm_control() {
  const auto at = std::max(node_->next_deadline(), world_.now());
  if (at >= control_at_) return;
  control_at_ = at;
  later(at - world_.now(), [this, at] {
    if (control_at_ == at) control_at_ = never;
    apply(node_->tick(world_.now()));
  });
}

void Process::datagram(const Address& from, const Bytes& bytes) {
  apply(node_->datagram(from, bytes, world_.now()));
}

void Process::accepted(Plane plane, ConnId conn) {
  if (plane == Plane::gossip) return apply(node_->stream_accepted(conn, world_.now()));
  if (plane == Plane::control) return apply(node_->link_accepted(conn, world_.now()));
  shards_->accepted(conn, world_.now(), *this);
}

void Process::connected(Plane plane, ConnId conn) {
  if (plane == Plane::control) return apply(node_->link_connected(conn, world_.now()));
  if (plane == Plane::data) shards_->connected(conn, *this), finish_data();
}

std::size_t Process::received(Plane plane, ConnId conn, ByteView bytes) {
  if (plane == Plane::gossip)
    return apply(node_->stream_received(conn, bytes, world_.now())), bytes.size();
  std::size_t consumed = 0;
  if (plane == Plane::control) {
    apply(node_->link_received(conn, bytes, consumed, world_.now()));
  } else {
    consumed = shards_->received(conn, bytes, world_.now(), *this);
    finish_data();
  }
  return consumed;
}

void Process::closed(Plane plane, ConnId conn) {
  if (plane == Plane::gossip) return apply(node_->stream_closed(conn, world_.now()));
  if (plane == Plane::control) return apply(node_->link_closed(conn, world_.now()));
  shards_->closed(conn, world_.now(), *this);
  finish_data();
}

void Process::apply(cluster::NodeEffects effects) {
  for (auto& effect : effects) apply(effect);
  arm_control();
}

void Process::apply(cluster::NodeEffect& effect) {
  auto& net = world_.network();
  world_.trace_hash().add(effect.index());
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, membership::SendDatagram>) {
          world_.trace_hash().add(e.bytes);
          net.datagram(index_, e.to, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::OpenStream>) {
          net.dial(index_, Plane::gossip, e.stream, e.to);
          // Written once the dial is through; latency is drawn per segment, so it is scheduled
          // behind it.
          later(5ms, [this, id = e.stream, bytes = std::move(e.bytes)]() mutable {
            world_.network().write(index_, Plane::gossip, id, std::move(bytes));
          });
        } else if constexpr (std::is_same_v<E, membership::WriteStream>) {
          net.write(index_, Plane::gossip, e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::CloseStream>) {
          net.close(index_, Plane::gossip, e.stream);
        } else if constexpr (std::is_same_v<E, messaging::Connect>) {
          net.dial(index_, Plane::control, e.conn, e.to);
        } else if constexpr (std::is_same_v<E, messaging::Write>) {
          world_.trace_hash().add(e.bytes);
          net.write(index_, Plane::control, e.conn, std::move(e.bytes));
          later(Duration{1000},
                [this, conn = e.conn] { apply(node_->link_written(conn, world_.now())); });
        } else if constexpr (std::is_same_v<E, messaging::Close>) {
          net.close(index_, Plane::control, e.conn);
        } else if constexpr (std::is_same_v<E, messaging::HandOff>) {
          later(10us, [this, conn = e.conn] { world_.network().hand_off(index_, conn); });
        } else if constexpr (std::is_same_v<E, cluster::PersistIdentity>) {
          later(disk_.sync_time(), [this, e] {
            disk_.cluster = e.cluster;
            disk_.hosts_register = disk_.hosts_register || e.hosts_register;
            if (e.entity_types != 0) disk_.cluster_types = e.entity_types;
            apply(node_->identity_persisted(world_.now()));
          });
        } else if constexpr (std::is_same_v<E, replication::PersistRegisters>) {
          later(5ms, [this, e] {  // one span for all: batches keep their order
            disk_.registers.resize(sharding::shard_count);
            for (const auto& [shard, value] : e.registers) disk_.registers[shard.value] = value;
            apply(node_->registers_persisted(e.batch, world_.now()));
          });
        } else if constexpr (std::is_same_v<E, cluster::RememberPeers>) {
          disk_.peers = e.gossip;
        } else if constexpr (std::is_same_v<E, cluster::PublishRoutes>) {
          // A mailbox is never instant and keeps its order.
          routes_at_ = std::max(routes_at_, world_.now() + random_.below(routes_delay));
          later(routes_at_ - world_.now(), [this, routes = e.routes] {
            shards_->routes(routes, world_.now(), *this), finish_data();
          });
        } else if constexpr (std::is_same_v<E, cluster::Stop>) {
          left_ = true;
        }
      },
      effect);
}

}  // namespace coterie::sim
