/// One data worker of a simulated node: the shell around a ShardCore, as node/ has it with sockets
/// and a thread. Thread-safety: one owner.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "coterie/cluster/tape.hpp"
#include "coterie/sim/disk.hpp"
#include "coterie/sim/mailbox.hpp"
#include "coterie/sim/streams.hpp"
#include "coterie/sim/timer.hpp"

namespace coterie::sim {

using Answer = std::function<void(std::uint8_t status, std::int64_t value)>;

/// A command to an account: tag 0 deposits `cents`, tag 1 reads.
struct AccountAsk {
  std::string account{};
  std::uint8_t tag{};
  std::int64_t cents{};
  CommandId id{};
  Instant deadline{};
  Answer answer{};
  bool waits = false;  ///< for credit, instead of `busy`
};

struct DataWorkerHooks {
  std::function<void(const cluster::ShardStatus&)> report{};
  std::function<void(replication::Swap)> propose{};
  std::function<void(Bytes)> record{};  ///< set: a tape of this worker goes there
};

class DataWorker final : private cluster::ShardSink, private messaging::StreamHandler {
 public:
  DataWorker(World& world, std::size_t node, Disk& disk, const cluster::ShardOrigin& origin,
             Random random, DataWorkerHooks hooks);
  ~DataWorker() override;
  void ask(AccountAsk ask);
  void routes(cluster::RoutesPtr routes);
  void adopt(ConnId conn, StreamHost::Released released);
  [[nodiscard]] const cluster::ShardCore& core() const { return core_; }

 private:
  void append(replication::AppendRequest&& request) override;
  void reset(ShardId shard) override {
    send_appends();
    journal_.reset(shard);
  }
  void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) override {
    journal_.replay(token, shard, head, whole);
  }
  void recover(std::uint64_t token, std::vector<ShardId> shards) override {
    send_appends();
    journal_.recover(token, std::move(shards));
  }
  void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) override {
    journal_.read(token, shard, from, bytes);
  }
  void propose(replication::Swap&& swap) override { hooks_.propose(std::move(swap)); }
  void complete(const cluster::Completion& completion) override;
  void link(messaging::LinkEffect&& effect) override;
  void report(const cluster::ShardStatus& status) override { hooks_.report(status); }
  void log(LogEvent) override {}

  void accepted(ConnId id) override;
  void connected(ConnId id) override;
  std::size_t received(ConnId id, ByteView bytes) override;
  void closed(ConnId id) override;
  void written(ConnId id) override;
  bool congested(ConnId id) override { return core_.congested(id); }

  template <class Input>
  std::size_t feed(Input input) {
    return cluster::feed(core_, std::move(input), world_.now(), *this, tape_.get());
  }
  void take(AccountAsk& ask);
  void finish();
  void send_appends();

  World& world_;
  Random random_;
  DataWorkerHooks hooks_;
  std::unique_ptr<cluster::Tape> tape_{};
  cluster::ShardCore core_;
  StreamHost streams_;
  SimJournal journal_;
  std::vector<replication::AppendRequest> appends_{};  ///< one group, as in production
  Mailbox<AccountAsk> asks_;
  Mailbox<cluster::RoutesPtr> snapshots_;
  Timer timer_;
  std::map<std::uint64_t, Answer> answers_{};
  std::uint64_t next_token_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The entity that simulations run: an account with a balance.
[[nodiscard]] const std::vector<sharding::EntityType>& account_types();
/// Accounts whose names begin so are of a type that is remembered.
inline constexpr std::string_view remembered_prefix = "ordered-";
[[nodiscard]] const sharding::EntityType& account_type_of(std::string_view account);

}  // namespace coterie::sim
