/// A running node: three calls start one (configure, Node::start, entities<T>), and references
/// reach any entity of the cluster by name. Thread-safety: every function may be called from any
/// thread; entities<T>() before join().
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "coterie/config.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/entity.hpp"
#include "coterie/pool.hpp"
#include "coterie/shared.hpp"

namespace coterie {

/// What becomes of a command whose shard's owner has too much under way.
enum class WhenFull : std::uint8_t {
  busy,  ///< it fails at once, with a hint when to retry
  wait   ///< it waits for its turn, until its deadline
};

struct AskOptions {
  Duration deadline = 5s;  ///< travels with the command; after it the outcome is unknown
  std::optional<std::string>
      command_id{};  ///< the same text to the same entity has its effect once; default: a fresh
                     ///< one. Text that ends with a UUIDv7 is refused as command_expired once the
                     ///< shard may have forgotten it; other text would then have its effect again
  WhenFull when_full = WhenFull::busy;
};

template <class R>
struct Reply {
  R value{};
  Epoch epoch{};        ///< of the shard that answered
  Sequence sequence{};  ///< events of the entity so far
};

/// A command on its way, without its types. Used by the references below.
struct RawAsk {
  EntityTypeId type{};
  std::string id{};
  std::uint8_t tag{};
  Bytes payload{};
  AskOptions options{};
  bool wants_reply = true;
};
struct RawReply {
  Bytes value{};
  Epoch epoch{};
  Sequence sequence{};
};
using RawCallback = std::function<void(Result<RawReply>)>;

class Runtime;  // the workers behind a node
/// From any thread. The callback runs on a worker: keep it short, and never block there.
void submit(Runtime& runtime, RawAsk ask, RawCallback callback);
/// True on a thread that owns a worker, where blocking would stop the system.
[[nodiscard]] bool on_worker_thread();

/// An ask that has not been sent yet: get() blocks for the answer, then() is told of it.
template <class R>
class [[nodiscard]] Ask {
 public:
  Ask(std::shared_ptr<Runtime> runtime, RawAsk ask)
      : runtime_(std::move(runtime)), ask_(std::move(ask)) {}

  /// Calls `done(Result<Reply<R>>)` on a worker thread; there it may ask again but must not block.
  template <class F>
  void then(F done) && {
    submit(*runtime_, std::move(ask_),
           [done = std::move(done)](Result<RawReply> raw) mutable { done(typed(std::move(raw))); });
  }

  /// Blocks until the answer or the deadline. An error on a worker thread, which must not block.
  Result<Reply<R>> get() && {
    if (on_worker_thread())
      return error(Errc::wrong_thread, "get() would block a worker thread: use then() there");
    struct Waiter {
      std::mutex mutex;
      std::condition_variable ready;
      std::optional<Result<Reply<R>>> result;
    };
    auto waiter = std::make_shared<Waiter>();
    std::move(*this).then([waiter](Result<Reply<R>> result) {
      const std::lock_guard lock(waiter->mutex);
      waiter->result = std::move(result);
      waiter->ready.notify_one();
    });
    std::unique_lock lock(waiter->mutex);
    waiter->ready.wait(lock, [&] { return waiter->result.has_value(); });
    return std::move(*waiter->result);
  }

 private:
  static Result<Reply<R>> typed(Result<RawReply> raw) {
    if (!raw) return raw.error();
    Reply<R> reply{{}, raw->epoch, raw->sequence};
    if (!Codec<R>::decode(raw->value, reply.value))
      return error(Errc::malformed,
                   "the reply is of another type: do all nodes run compatible versions?");
    return reply;
  }

  std::shared_ptr<Runtime> runtime_;
  RawAsk ask_;
};

/// A location-transparent reference to one entity. Cheap to copy.
template <class E>
class EntityRef {
 public:
  EntityRef(std::shared_ptr<Runtime> runtime, EntityTypeId type, std::string id)
      : runtime_(std::move(runtime)), type_(type), id_(std::move(id)) {}

  template <class C>
  [[nodiscard]] auto ask(const C& command, AskOptions options = {}) const {
    using R = typename decltype(std::declval<const E&>().decide(command))::Reply;
    return Ask<R>(runtime_, raw(command, std::move(options), true));
  }
  /// Sends and does not wait: at most once, no answer. Delivery is not promised.
  template <class C>
  void tell(const C& command, AskOptions options = {}) const {
    submit(*runtime_, raw(command, std::move(options), false), {});
  }
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  template <class C>
  RawAsk raw(const C& command, AskOptions options, bool wants_reply) const {
    using Commands = face::ListOf<typename E::Commands>;
    static_assert(Commands::template contains<C>,
                  "this command is not in the entity's Commands list");
    RawAsk ask{type_, id_, Commands::template index<C>(), {}, std::move(options), wants_reply};
    Codec<C>::encode(command, ask.payload);
    return ask;
  }
  std::shared_ptr<Runtime> runtime_;
  EntityTypeId type_;
  std::string id_;
};

/// All entities of one type.
template <class E>
class Entities {
 public:
  Entities(std::shared_ptr<Runtime> runtime, EntityTypeId type)
      : runtime_(std::move(runtime)), type_(type) {}
  [[nodiscard]] EntityRef<E> ref(std::string id) const { return {runtime_, type_, std::move(id)}; }

 private:
  std::shared_ptr<Runtime> runtime_;
  EntityTypeId type_;
};

class Node {
 public:
  /// Opens the data directory and binds the ports; errors name cause and remedy. The node joins on
  /// join(), which the first ask and run_until_signal() call for you.
  [[nodiscard]] static Result<Node> start(Config config);
  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;
  /// Leaves gracefully if it still runs.
  ~Node();

  /// Registers an entity type under a name that is the same on every node. Before join().
  template <class E>
  [[nodiscard]] Entities<E> entities(const std::string& name) {
    const auto id = type_id(name);
    register_type(face::erase<E>(name, id));
    return Entities<E>(runtime_, id);
  }
  /// From here on the node takes part; no more types. Idempotent.
  void join();
  /// Runs until SIGTERM or SIGINT, or until the node cannot go on; leaves gracefully. The process's
  /// exit code.
  [[nodiscard]] int run_until_signal();
  /// Drains, leaves, stops: 13 s at most, and then as long as the disk holds a write or an entity's
  /// code runs; run_until_signal() ends the process after 20 s. Idempotent.
  void stop();

  /// The members as this node sees them now, itself included.
  [[nodiscard]] std::vector<MemberView> members() const;
  /// Phi accrual: -log10 of how likely a living member would be as silent as this one; 0 when it
  /// just answered, at most 300. Blocks for the control thread; an error on a worker thread.
  [[nodiscard]] Result<double> phi(const std::string& member) const;
  /// What happens in the pool from now on, the members as they are first. Each call gives a queue
  /// of its own.
  [[nodiscard]] PoolEvents events();
  /// The same, by a callback on a worker thread, where it must not block. For as long as the node
  /// runs.
  void watch(std::function<void(const PoolEvent&)> told);
  /// Broadcasts an event to every member; at most max_broadcast bytes. Delivery is by gossip: to
  /// all that are reachable, soon, in no promised order. Events that can replace each other
  /// `coalesce`.
  Status broadcast(std::string name, std::string payload, bool coalesce = false);
  /// Asks every member and collects what they answer until the time-out. Blocks; an error on a
  /// worker thread.
  Result<QueryResult> query(std::string name, std::string payload, QueryOptions options = {});
  /// The same; `done` is told on a worker thread, where it must not block.
  void query(std::string name, std::string payload, QueryOptions options,
             std::function<void(Result<QueryResult>)> done);
  /// What all members share without asking anybody; in a native pool.
  [[nodiscard]] Shared shared();
  /// What this node says of itself to every member of a native pool, at most max_metadata bytes:
  /// MemberView::metadata there.
  Status set_metadata(std::string metadata);
  /// Answers a QueryEvent, once, with at most max_answer bytes.
  Status answer(const QueryEvent& query, std::string payload);

  /// The bound addresses (a configured port 0 is resolved), as HOST:PORT.
  [[nodiscard]] std::string gossip_address() const;
  [[nodiscard]] std::string link_address() const;
  [[nodiscard]] std::string management_address() const;

 private:
  explicit Node(std::shared_ptr<Runtime> runtime);
  static EntityTypeId type_id(const std::string& name);
  void register_type(sharding::EntityType type);
  std::shared_ptr<Runtime> runtime_;
};

}  // namespace coterie
