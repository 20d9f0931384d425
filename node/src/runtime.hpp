/// What is behind a Node: its directory, its workers and their threads. Wires and ends them;
/// decides nothing. Thread-safety: submit() and request_stop() from any thread; the rest from the
/// thread that owns the Node.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control_worker.hpp"
#include "data_worker.hpp"
#include "discovery.hpp"
#include "metrics.hpp"
#include "recorder.hpp"

namespace coterie {

class Runtime {
 public:
  static Result<std::shared_ptr<Runtime>> open(Config config);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  void register_type(sharding::EntityType type);
  void join();
  void submit(RawAsk ask, RawCallback callback);
  /// Of the pool; from any thread.
  [[nodiscard]] PoolBridge& pool() { return *pool_; }
  [[nodiscard]] std::shared_ptr<PoolBridge> pool_ptr() { return pool_; }
  Status broadcast(std::string name, std::string payload, bool coalesce);
  /// `done` on the control thread.
  void query(std::string name, std::string payload, const QueryOptions& options,
             std::function<void(Result<QueryResult>)> done);
  void watch(std::function<void(const PoolEvent&)> told);
  Result<double> phi(const std::string& member);
  Status answer(std::uint64_t query, std::string payload);
  Status set_metadata(std::string metadata);
  Status share(gossip::SharedChange change);
  void stop();
  /// Blocks until request_stop() or until the node stopped by itself.
  void wait();
  void request_stop();
  [[nodiscard]] std::optional<Error> failure();
  /// As bound at first; also after stop().
  [[nodiscard]] const Ports& ports() const { return ports_; }

 private:
  Runtime(Config config, storage::DataDirectory directory, storage::NodeStore store,
          std::shared_ptr<storage::LmdbStripe> stripe, Ports ports);
  [[nodiscard]] cluster::NodeCoreConfig core_config() const;
  [[nodiscard]] cluster::ShardCoreConfig shard_config(std::uint16_t worker) const;
  /// Where the tape of a worker of this life goes; empty when nothing is recorded.
  [[nodiscard]] std::function<void(Bytes)> tape(const std::string& worker);
  void make_workers();
  void start_threads();
  void start_discovery();
  [[nodiscard]] ControlHooks control_hooks();
  [[nodiscard]] CommandId command_id(const RawAsk& ask);
  [[nodiscard]] std::string metrics();
  void on_stopped(std::optional<Error> error);
  /// Why there is no pool to speak to; joins it otherwise.
  [[nodiscard]] std::optional<Error> no_pool();
  void leave();
  void drain();
  template <class Task>
  bool wait_until(Task done, Duration limit);

  Config config_;
  storage::DataDirectory directory_;
  storage::NodeStore store_;
  std::unique_ptr<Recorder> recorder_{};  ///< before the workers, whose tapes end first
  std::shared_ptr<storage::LmdbStripe> stripe_;
  std::uint16_t data_workers_;
  SessionId session_{};
  std::atomic<std::uint64_t> conn_ids_{1};
  std::atomic<std::uint64_t> commands_{1};
  std::vector<std::unique_ptr<transport::EventLoop>>
      loops_{};  ///< loops_[0] is the control worker's
  std::shared_ptr<PoolBridge> pool_ = std::make_shared<PoolBridge>();
  std::unique_ptr<ControlWorker> control_{};
  Ports ports_{};  ///< port 0 resolved
  std::unique_ptr<Discovery> discovery_{};
  std::vector<transport::Mailbox<MailboxAsk>>
      inboxes_{};  ///< of the data workers; set before joined_, kept until the end
  std::vector<std::unique_ptr<DataWorker>> data_{};  ///< data_[i] is worker i + 1
  std::vector<std::thread> threads_{};
  std::vector<sharding::EntityType> types_{};
  std::mutex life_{};  ///< serialises join() and stop()
  std::atomic<bool> joined_{false};
  std::atomic<bool> stopping_{false};
  bool stopped_ = false;

  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool stop_requested_ = false;            ///< guarded by mutex_
  bool core_stopped_ = false;              ///< guarded by mutex_
  bool handed_over_ = false;               ///< guarded by mutex_
  std::optional<Error> failure_{};         ///< guarded by mutex_
  std::vector<DataSnapshot> snapshots_{};  ///< guarded by mutex_
};

}  // namespace coterie
