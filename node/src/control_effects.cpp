#include "control_worker.hpp"

namespace coterie {

using transport::EventLoop;
namespace node_input = cluster::node_input;

std::size_t ControlWorker::feed(const cluster::NodeInput& input) {
  auto outcome = cluster::feed(*core_, input, EventLoop::now(), tape_.get());
  for (auto& effect : outcome.effects) apply(effect);
  set_timer();
  return outcome.consumed;
}

void ControlWorker::set_timer() {
  const auto at = core_->next_deadline();
  if (at == timer_at_) return;
  timer_at_ = at;
  timer_.set(at, [this] {
    timer_at_ = never;
    if (const auto sample = pressure_.sample(EventLoop::now()))
      feed(node_input::Starved{sample->waited, sample->over});
    feed(node_input::Tick{});
  });
}

void ControlWorker::apply(cluster::NodeEffect& effect) {
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, membership::SendDatagram>) {
          if (udp_ && !udp_->send(e.to, e.bytes))  // not from inside the core's own effects
            loop_.post([this, to = e.to] {
              if (core_) feed(node_input::TooLarge{to});
            });
        } else if constexpr (std::is_same_v<E, membership::OpenStream>) {
          gossip_tcp_->dial(e.stream, e.to);
          gossip_tcp_->write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::WriteStream>) {
          gossip_tcp_->write(e.stream, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, membership::CloseStream>) {
          gossip_tcp_->close(e.stream);
        } else if constexpr (std::is_same_v<E, messaging::Connect>) {
          links_->dial(e.conn, e.to);
        } else if constexpr (std::is_same_v<E, messaging::Write>) {
          links_->write(e.conn, std::move(e.bytes));
        } else if constexpr (std::is_same_v<E, messaging::Close>) {
          links_->close(e.conn);
        } else if constexpr (std::is_same_v<E, messaging::HandOff>) {
          // After this batch: the connection is still inside its own read.
          loop_.post([this, id = e.conn, worker = e.worker] {
            if (auto released = links_->release(id))
              hooks_.hand_off(id, worker, std::move(*released));
          });
        } else if constexpr (std::is_same_v<E, cluster::PersistIdentity> ||
                             std::is_same_v<E, cluster::PersistLife> ||
                             std::is_same_v<E, replication::raft::Persist>) {
          persist(e);
        } else if constexpr (std::is_same_v<E, cluster::RememberPeers>) {
          store_thread_->run([this, peers = e.gossip] { return store_.save_peers(peers); }, {});
        } else if constexpr (std::is_same_v<E, cluster::PublishRoutes>) {
          hooks_.publish(e.routes);
        } else if constexpr (std::is_same_v<E, cluster::StartPart>) {
          hooks_.log(LogLevel::info, "restarting part '" + e.part + "'");
          if (const auto started = start_part(e.part); !started)
            part_failed(e.part, to_string(started.error()));
        } else if constexpr (std::is_same_v<E, cluster::HandedOver>) {
          hooks_.handed_over();
        } else if constexpr (ForPool<E>) {
          hooks_.pool->on(e);
        } else if constexpr (std::is_same_v<E, cluster::Stop>) {
          hooks_.pool->close();  // its readers hear of the end while this loop still runs
          hooks_.stopped(e.error);
        } else if constexpr (std::is_same_v<E, LogEvent>) {
          hooks_.log(e.level, e.text);
        }
      },
      effect);
}

void ControlWorker::persist(const cluster::PersistIdentity& identity) {
  store_thread_->run(
      [this, identity] { return store_.save_identity(identity.cluster, identity.founder); },
      [this] { loop_.post([this] { feed(node_input::IdentityPersisted{}); }); });
}

void ControlWorker::persist(const cluster::PersistLife& life) {
  store_thread_->run([this, life] { return store_.save_life(life.confirmed, life.tried); },
                     [this] { loop_.post([this] { feed(node_input::LifePersisted{}); }); });
}

void ControlWorker::persist(const replication::raft::Persist& batch) {
  store_thread_->run([this, batch] { return store_.save_raft(batch); },
                     [this, number = batch.batch] {
                       loop_.post([this, number] { feed(node_input::RaftPersisted{number}); });
                     });
}

}  // namespace coterie
