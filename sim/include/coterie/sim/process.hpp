/// One life of a simulated node: the shells around NodeCore and ShardCores, as node/ has them with
/// sockets and threads. Thread-safety: one owner.
#pragma once

#include "coterie/sim/data_worker.hpp"
#include "coterie/sim/store.hpp"

namespace coterie::sim {

class Process final {
 public:
  Process(World& world, std::size_t index, Disk& disk, Random random);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void begin() { feed(cluster::node_input::Start{}); }
  void leave() {
    leaves_ = true;
    feed(cluster::node_input::Leave{});
  }
  [[nodiscard]] const cluster::ShardCore& shard_core(ShardId shard) const {
    return data_[cluster::worker_of(shard, workers_) - 1u]->core();
  }
  /// What an operator wants of a node: "draining", "cordoned", or nothing.
  /// False: a node that has just started refuses it.
  [[nodiscard]] bool wish(const std::string& node, const std::string& what);
  [[nodiscard]] bool leaves() const { return leaves_; }
  void move(ShardId shard, const std::string& to) { feed(cluster::node_input::Move{shard, to}); }
  [[nodiscard]] static std::string name_of(std::size_t index) {
    return "n" + std::to_string(index);
  }
  void ask(AccountAsk ask);
  [[nodiscard]] const cluster::NodeCore& node() const { return *node_; }
  [[nodiscard]] bool left() const { return left_; }

 private:
  /// Both stream hosts of the control plane speak to its core through one of these.
  struct GossipStreams final : messaging::StreamHandler {
    explicit GossipStreams(Process& p) : process(p) {}
    void accepted(ConnId id) override;
    void connected(ConnId) override {}
    std::size_t received(ConnId id, ByteView bytes) override;
    void closed(ConnId id) override;
    void written(ConnId) override {}
    bool congested(ConnId) override { return false; }
    Process& process;
  };
  struct ControlLanes final : messaging::StreamHandler {
    explicit ControlLanes(Process& p) : process(p) {}
    void accepted(ConnId id) override;
    void connected(ConnId id) override;
    std::size_t received(ConnId id, ByteView bytes) override;
    void closed(ConnId id) override;
    void written(ConnId id) override;
    bool congested(ConnId) override { return false; }
    Process& process;
  };

  [[nodiscard]] cluster::NodeCoreConfig core_config(SessionId session) const;
  void make_workers(SessionId session, Random& random);
  std::size_t feed(const cluster::NodeInput& input);
  void apply(cluster::NodeEffect& effect);
  void depart();
  void persist(const cluster::PersistIdentity& identity);
  void persist(const cluster::PersistLife& life);
  void persist(const replication::raft::Persist& batch);
  void end_of_store();
  /// After `delay`, if this life still runs.
  void later(Duration delay, std::function<void()> task);

  World& world_;
  std::size_t index_;
  Disk& disk_;
  std::uint16_t workers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  GossipStreams gossip_handler_{*this};
  ControlLanes lane_handler_{*this};
  StreamHost gossip_;
  StreamHost lanes_;
  Timer timer_;
  SimStore store_;
  std::unique_ptr<cluster::Tape> tape_{};
  std::unique_ptr<cluster::NodeCore> node_{};
  std::unique_ptr<Mailbox<replication::Swap>> proposals_{};
  std::unique_ptr<Mailbox<cluster::ShardStatus>> reports_{};
  std::vector<std::unique_ptr<DataWorker>> data_{};  ///< data_[i] is worker i + 1
  bool leaves_ = false, left_ = false;
};

}  // namespace coterie::sim
