/// The shell around NodeCore: worker 0. Sockets for gossip, control lanes and management on one
/// loop; the node's small state on the store thread. Decides nothing. Thread-safety: everything on
/// the loop's thread but the constructor, bind().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "coterie/cluster/tape.hpp"
#include "coterie/storage/node_store.hpp"
#include "coterie/transport/http_server.hpp"
#include "coterie/transport/tcp_host.hpp"
#include "coterie/transport/udp_socket.hpp"
#include "host_pressure.hpp"
#include "placement_management.hpp"
#include "pool_management.hpp"
#include "settings.hpp"
#include "store_thread.hpp"

namespace coterie {

struct ControlHooks {
  std::function<void(cluster::RoutesPtr)> publish{};
  std::function<void(ConnId, std::uint16_t worker, transport::Released)> hand_off{};
  std::function<void()> handed_over{};
  std::function<void(std::optional<Error>)> stopped{};
  std::function<std::string()> metrics{};
  std::shared_ptr<PoolBridge> pool{};
  bool user_messages = true;  ///< the pool knows events and queries
  LogSink log{};
};

class ControlWorker {
 public:
  ControlWorker(transport::EventLoop& loop, storage::NodeStore& store,
                std::atomic<std::uint64_t>& conn_ids, Ports ports, ControlHooks hooks);
  ~ControlWorker();
  [[nodiscard]] Status bind();
  [[nodiscard]] const Ports& ports() const { return ports_; }

  /// With `record`, every input and a hash of every effect go there.
  void start(cluster::NodeCoreConfig config, std::function<void(Bytes)> record);
  void leave();
  void depart();
  void broadcast(std::string name, Bytes payload, bool coalesce);
  void query(std::uint64_t query, std::string name, Bytes payload, Duration timeout);
  void answer(std::uint64_t query, Bytes payload);
  void set_seeds(std::vector<Address> seeds);
  void set_metadata(Bytes metadata);
  void share(gossip::SharedChange change);
  void shard_status(const cluster::ShardStatus& status);
  void propose(replication::Swap swap);
  [[nodiscard]] PlacementActions placement_actions();
  void stop();
  [[nodiscard]] const cluster::NodeCore* core() const { return core_ ? &*core_ : nullptr; }

 private:
  /// Both stream hosts speak to the core through one of these.
  struct GossipStreams final : messaging::StreamHandler {
    explicit GossipStreams(ControlWorker& w) : worker(w) {}
    void accepted(ConnId id) override;
    void connected(ConnId) override {}
    std::size_t received(ConnId id, ByteView bytes) override;
    void closed(ConnId id) override;
    void written(ConnId) override {}
    bool congested(ConnId) override { return false; }
    ControlWorker& worker;
  };
  struct ControlLanes final : messaging::StreamHandler {
    explicit ControlLanes(ControlWorker& w) : worker(w) {}
    void accepted(ConnId id) override;
    void connected(ConnId id) override;
    std::size_t received(ConnId id, ByteView bytes) override;
    void closed(ConnId id) override;
    void written(ConnId id) override;
    bool congested(ConnId) override { return false; }
    ControlWorker& worker;
  };

  [[nodiscard]] Status start_part(const std::string& part);
  [[nodiscard]] Status start_gossip();
  [[nodiscard]] Status start_links();
  [[nodiscard]] Status start_management();
  void part_failed(const std::string& part, const std::string& reason);
  /// Gives the core an input, read just now, and carries out what it wants; answers the bytes it
  /// consumed.
  std::size_t feed(const cluster::NodeInput& input);
  void apply(cluster::NodeEffect& effect);
  void persist(const cluster::PersistIdentity& identity);
  void persist(const cluster::PersistLife& life);
  void persist(const replication::raft::Persist& batch);
  void set_timer();

  transport::EventLoop& loop_;
  storage::NodeStore& store_;
  std::atomic<std::uint64_t>& conn_ids_;
  Ports ports_;
  ControlHooks hooks_;
  PoolActions pool_actions_;
  GossipStreams gossip_handler_{*this};
  ControlLanes lane_handler_{*this};
  std::unique_ptr<transport::UdpSocket> udp_{};
  std::unique_ptr<transport::TcpHost> gossip_tcp_{};
  std::unique_ptr<transport::TcpHost> links_{};
  std::unique_ptr<transport::HttpServer> http_{};
  std::optional<cluster::NodeCore> core_{};
  std::unique_ptr<cluster::Tape> tape_{};  ///< set while recording
  transport::Timer timer_;
  Instant timer_at_ = never;
  HostPressure pressure_{};
  std::unique_ptr<StoreThread> store_thread_{};
};

}  // namespace coterie
