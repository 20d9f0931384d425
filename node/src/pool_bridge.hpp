/// Between the control core and those who watch the pool: turns effects into public values and
/// hands them to queues, watchers and waiting queries. Thread-safety: `on` and watch() on the
/// control thread; the rest from any thread. Nothing of a user is called under a lock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>

#include "coterie/cluster/node_effects.hpp"
#include "coterie/pool.hpp"

namespace coterie {

/// Bounded; a reader that is too slow loses the oldest.
class PoolQueue {
 public:
  PoolQueue();
  ~PoolQueue();
  PoolQueue(const PoolQueue&) = delete;
  PoolQueue& operator=(const PoolQueue&) = delete;

  void put(PoolEvent event);
  void close();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::optional<PoolEvent> take(Duration limit);

 private:
  std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<PoolEvent> events_{};
  std::uint64_t lost_ = 0;
  bool closed_ = false;
  int fd_;
};

/// Who waits for a query of ours; both on the control thread.
struct QueryWaiter {
  std::function<void(QueryReply)> each{};
  std::function<void(const membership::QueryFinished&)> done{};
};

/// Gathers the answers until the query is over.
[[nodiscard]] QueryWaiter collect_answers(std::function<void(Result<QueryResult>)> done);

class PoolBridge {
 public:
  [[nodiscard]] std::vector<MemberView> members() const;
  [[nodiscard]] gossip::SharedView shared(const gossip::SharedKey& key) const;
  [[nodiscard]] std::shared_ptr<PoolQueue> subscribe();
  /// A number for a query whose answers go to `waiter`.
  [[nodiscard]] std::uint64_t expect(QueryWaiter waiter);
  /// Told of every event, the members as they are first, until it answers false; null is the end.
  using Watcher = std::function<bool(const PoolEvent*)>;
  void watch(Watcher watcher);
  /// The node stopped: readers and waiting queries end.
  void close();

  void on(const membership::MemberChanged& change);
  void on(const membership::MemberDetails& details);
  void on(const membership::SharedChanged& changed);
  void on(const membership::UserEvent& event);
  void on(const membership::QueryAsked& query);
  void on(const membership::QueryAnswer& answer);
  void on(const membership::QueryFinished& finished);

 private:
  void publish(const PoolEvent& event);

  mutable std::mutex mutex_{};
  std::map<std::string, MemberView> members_{};               ///< guarded by mutex_
  std::map<gossip::SharedKey, gossip::SharedView> shared_{};  ///< guarded by mutex_
  std::vector<std::weak_ptr<PoolQueue>> queues_{};            ///< guarded by mutex_
  std::map<std::uint64_t, QueryWaiter> waiting_{};            ///< guarded by mutex_
  std::uint64_t next_query_ = 1;                              ///< guarded by mutex_
  bool closed_ = false;                                       ///< guarded by mutex_
  std::list<Watcher> watchers_{};
};

template <class E>
concept ForPool = requires(PoolBridge& bridge, const E& effect) {
  bridge.on(effect);
};

/// What the pool shows of a member.
[[nodiscard]] MemberView view_of(const membership::Member& member);

}  // namespace coterie
