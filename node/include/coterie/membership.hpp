/// Membership alone, for services that want to know who is there and nothing else: no directory, no
/// entities, no port but gossip's. Runs on a thread of its own, or on an io_context of yours
/// (coterie/asio.hpp). In native pools it stands beside full nodes; `--pool serf` and `memberlist`
/// put it into a pool that you have.
///
/// Thread-safety: every function may be called from any thread; callbacks come on the loop's
/// thread, never under a lock, and must not block there.
#pragma once

#include <functional>
#include <memory>

#include "coterie/config.hpp"
#include "coterie/core/result.hpp"
#include "coterie/pool.hpp"
#include "coterie/shared.hpp"

namespace coterie {

namespace transport {
class EventLoop;
}

class Membership {
 public:
  /// Binds the gossip port and joins; errors name cause and remedy. Of the configuration name,
  /// gossip, advertise, join, dns, keys, label, pool, tags, profile and log count.
  [[nodiscard]] static Result<Membership> start(Config config);
  /// On a loop of the caller's; coterie/asio.hpp makes one of an io_context.
  [[nodiscard]] static Result<Membership> start_on(std::unique_ptr<transport::EventLoop> loop,
                                                   Config config);
  Membership(Membership&&) noexcept;
  Membership& operator=(Membership&&) noexcept;
  /// On a thread of its own it leaves gracefully if it did not yet. On a loop of the caller's it
  /// closes its sockets on the loop's next turn, which the others see as a crash: leave(done)
  /// first. May be destroyed in its own callbacks.
  ~Membership();

  /// The members as this one sees them now, itself included.
  [[nodiscard]] std::vector<MemberView> members() const;
  /// Each call gives a queue of its own, with a file descriptor for poll() in any loop.
  [[nodiscard]] PoolEvents events();
  /// The same, by a callback on the loop's thread.
  void watch(std::function<void(const PoolEvent&)> told);
  /// As coterie::Node has them.
  Status broadcast(std::string name, std::string payload, bool coalesce = false);
  void query(std::string name, std::string payload, QueryOptions options,
             std::function<void(Result<QueryResult>)> done);
  Status answer(const QueryEvent& query, std::string payload);
  Status set_metadata(std::string metadata);
  [[nodiscard]] Shared shared();
  /// Phi accrual of a member; coterie::Node::phi has the meaning. Blocks for the loop, unless it is
  /// called on the loop's thread.
  [[nodiscard]] Result<double> phi(const std::string& member) const;
  /// Tells the others, then stops; `done` is told on the loop's thread, after at most 3 s.
  void leave(std::function<void()> done);
  /// The same; blocks. An error on the loop's thread, which it would block for ever.
  Status leave();
  /// As bound: port 0 is resolved. HOST:PORT.
  [[nodiscard]] std::string gossip_address() const;

 private:
  struct State;
  explicit Membership(std::shared_ptr<State> state);
  template <class Task>
  void post(Task task);
  std::shared_ptr<State> state_;
};

}  // namespace coterie
