/// One life of a simulated node: the shell around NodeCore and ShardCore, as node/ has it with
/// sockets and threads. Thread-safety: one owner.
#pragma once

#include <functional>
#include <memory>

#include "coterie/cluster/node_core.hpp"
#include "coterie/cluster/shard_core.hpp"
#include "coterie/sim/disk.hpp"
#include "coterie/sim/network.hpp"

namespace coterie::sim {

class World;

using Answer = std::function<void(std::uint8_t status, std::int64_t value)>;

class Process final : private cluster::ShardSink {
 public:
  Process(World& world, std::size_t index, Disk& disk, std::uint64_t life, Random random);
  ~Process() override;

  void begin();
  void leave();
  void transfer(ShardId shard, const std::string& to);
  [[nodiscard]] static std::string name_of(std::size_t index) {
    return "n" + std::to_string(index);
  }
  /// A command to an account: tag 0 deposits `cents`, tag 1 reads.
  void ask(const std::string& account, std::uint8_t tag, std::int64_t cents, CommandId id,
           Duration deadline, Answer answer);
  [[nodiscard]] const cluster::NodeCore& node() const { return *node_; }
  [[nodiscard]] const cluster::ShardCore& shards() const { return *shards_; }
  [[nodiscard]] bool left() const { return left_; }

  // From the network.
  void datagram(const Address& from, const Bytes& bytes);
  void accepted(Plane plane, ConnId conn);
  void connected(Plane plane, ConnId conn);
  [[nodiscard]] std::size_t received(Plane plane, ConnId conn, ByteView bytes);
  void closed(Plane plane, ConnId conn);

 private:
  void append(replication::AppendRequest&& request) override;
  void reset(ShardId shard, LogIndex next) override { journal_->reset(shard, next); }
  void replay(std::uint64_t token, ShardId shard, LogIndex head) override {
    journal_->replay(token, shard, head);
  }
  void recover(std::uint64_t token, std::vector<ShardId> shards) override {
    journal_->recover(token, std::move(shards));
  }
  void complete(const cluster::Completion& completion) override;
  void link(messaging::LinkEffect&& effect) override;
  void report(const cluster::ShardStatus& status) override;
  void log(LogEvent) override {}

  void apply(cluster::NodeEffects effects);
  void apply(cluster::NodeEffect& effect);
  void finish_data();
  void arm_control();
  void arm_data();
  /// After `delay`, if this life still runs.
  void later(Duration delay, std::function<void()> task);

  World& world_;
  std::size_t index_;
  Disk& disk_;
  std::uint64_t life_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<SimJournal> journal_{};
  std::unique_ptr<cluster::NodeCore> node_{};
  std::unique_ptr<cluster::ShardCore> shards_{};
  std::map<std::uint64_t, Answer> answers_{};
  std::uint64_t next_token_ = 1;
  Instant control_at_ = never, data_at_ = never;
  Random random_;
  Instant routes_at_{};  ///< snapshots reach the data plane in order
  bool left_ = false;
};

/// The entity that simulations run: an account with a balance.
[[nodiscard]] const std::vector<sharding::EntityType>& account_types();

}  // namespace coterie::sim
