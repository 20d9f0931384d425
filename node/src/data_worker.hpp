/// The shell around one ShardCore: feeds it from the mailbox, the journal and its lanes, and
/// carries out what it wants. Decides nothing. Thread-safety: submit() from any thread, everything
/// else on the loop's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "coterie/cluster/tape.hpp"
#include "coterie/node.hpp"
#include "coterie/storage/lmdb_journal.hpp"
#include "coterie/transport/mailbox.hpp"
#include "coterie/transport/tcp_host.hpp"

namespace coterie {

/// Commands in one worker's mailbox; more is answered `busy` on the spot.
inline constexpr std::size_t max_mailbox = 65'536;

struct MailboxAsk {
  RawAsk ask{};
  RawCallback callback{};
  CommandId command{};
  Instant deadline{};
};

struct DataWorkerHooks {
  std::function<void(const cluster::ShardStatus&)>
      report{};  ///< to the control worker, from this loop's thread
  std::function<void(replication::Swap)> propose{};  ///< likewise
  LogSink log{};
  std::function<void(Bytes)> record{};  ///< set: every input and a hash of every effect go there
};

class DataWorker final : private cluster::ShardSink, private messaging::StreamHandler {
 public:
  DataWorker(transport::EventLoop& loop, const cluster::ShardOrigin& origin,
             const std::vector<sharding::EntityType>& types,
             std::shared_ptr<storage::LmdbStripe> stripe, std::atomic<std::uint64_t>& conn_ids,
             DataWorkerHooks hooks);
  ~DataWorker() override;

  /// Where commands are put; it outlives the worker, closed.
  [[nodiscard]] transport::Mailbox<MailboxAsk> mailbox() const { return mailbox_; }
  void routes(cluster::RoutesPtr routes);
  void adopt(ConnId id, transport::Released released);
  void drain() { feed(cluster::shard_input::Drain{}); }
  [[nodiscard]] bool quiet() const { return core_.quiet() && open_asks() == 0; }
  [[nodiscard]] const cluster::ShardCore& core() const { return core_; }
  void stop();

 private:
  void append(replication::AppendRequest&& request) override {
    appends_.push_back(std::move(request));
  }
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
  void log(LogEvent event) override { hooks_.log(event.level, event.text); }

  void accepted(ConnId id) override;
  void connected(ConnId id) override;
  std::size_t received(ConnId id, ByteView bytes) override;
  void closed(ConnId id) override;
  void written(ConnId id) override;
  bool congested(ConnId id) override { return core_.congested(id); }

  template <class Input>
  std::size_t feed(Input input) {
    return cluster::feed(core_, std::move(input), transport::EventLoop::now(), *this, tape_.get());
  }
  void read_mailbox(std::vector<MailboxAsk>& batch);
  void read_journal();
  /// The end of every batch: staged frames leave and the timer is set.
  void finish();
  void on_timer();
  void send_appends() {
    if (!appends_.empty()) journal_.append(std::exchange(appends_, {}));
  }
  [[nodiscard]] std::size_t open_asks() const { return callbacks_.size() - free_.size(); }

  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  ///< posted tasks outlive nobody; first, for journal_
  transport::EventLoop& loop_;
  DataWorkerHooks hooks_;
  std::unique_ptr<cluster::Tape> tape_{};  ///< set while recording
  cluster::ShardCore core_;
  transport::TcpHost tcp_;
  storage::LmdbJournal journal_;
  /// Of this batch of inputs: one at a time they would wake the disk for the first alone.
  std::vector<replication::AppendRequest> appends_{};
  std::vector<RawCallback> callbacks_{};  ///< by token; bounded by the core's open asks
  std::vector<std::uint64_t> free_{};
  transport::Timer timer_;
  Instant timer_at_ = never;
  Instant wall_read_{};
  transport::Mailbox<MailboxAsk> mailbox_;
};

}  // namespace coterie
