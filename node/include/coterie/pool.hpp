/// The pool that a node belongs to, as values: its members, what they broadcast, what they ask.
/// Node::events() and Node::members() give them. Thread-safety: values; PoolEvents may be used from
/// any one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coterie/core/result.hpp"
#include "coterie/core/time.hpp"

namespace coterie {

/// Bytes of name and payload together, so that each fits into one datagram.
inline constexpr std::size_t max_broadcast = 512;
inline constexpr std::size_t max_query = 512;
inline constexpr std::size_t max_answer = 768;
inline constexpr std::size_t max_metadata = 64 * 1024;  ///< fetched on a stream, not gossiped
/// Events that one PoolEvents keeps for its reader; then the oldest is lost, and EventsLost says
/// so.
inline constexpr std::size_t max_pool_events = 8192;

struct MemberView {
  std::string name{};
  std::string gossip{};                       ///< HOST:PORT
  std::string state{};                        ///< "alive", "suspect", "dead" or "left"
  std::uint32_t incarnation{};                ///< rises when the member changes or refutes
  std::map<std::string, std::string> tags{};  ///< in a Serf pool
  std::string metadata{};  ///< what it says of itself, in a native pool; fetched after it was seen

  [[nodiscard]] bool is_present() const { return state == "alive" || state == "suspect"; }
  friend bool operator==(const MemberView&, const MemberView&) = default;
};

/// A member is new here or changed. The first ones of a PoolEvents are the members as they are.
struct MemberEvent {
  MemberView member{};
  friend bool operator==(const MemberEvent&, const MemberEvent&) = default;
};
/// Somebody broadcast an event, perhaps this node.
struct BroadcastEvent {
  std::string name{}, payload{};
  std::uint64_t time{};  ///< Lamport time
  friend bool operator==(const BroadcastEvent&, const BroadcastEvent&) = default;
};
/// Somebody asks; Node::answer(query, ...) within `left`, or stay silent.
struct QueryEvent {
  std::uint64_t query{};
  std::string name{}, payload{}, from{};
  Duration left{};
  friend bool operator==(const QueryEvent&, const QueryEvent&) = default;
};
/// A value of the shared state (shared.hpp) changed, here or elsewhere.
struct SharedEvent {
  std::string name{};
  friend bool operator==(const SharedEvent&, const SharedEvent&) = default;
};
/// The reader was too slow: so many events before this one are lost. members() still tells all.
struct EventsLost {
  std::uint64_t count{};
  friend bool operator==(const EventsLost&, const EventsLost&) = default;
};
using PoolEvent = std::variant<MemberEvent, BroadcastEvent, QueryEvent, EventsLost, SharedEvent>;

class PoolQueue;  // the bounded queue behind PoolEvents

/// Events in the order in which this node saw them, from the moment it was asked for.
class PoolEvents {
 public:
  explicit PoolEvents(std::shared_ptr<PoolQueue> queue) : queue_(std::move(queue)) {}
  /// Readable while there are events: for poll() or epoll in a loop of your own.
  [[nodiscard]] int fd() const;
  /// The next event if there is one.
  [[nodiscard]] std::optional<PoolEvent> poll();
  /// Blocks for the next event; nothing if `limit` passed or the node stopped.
  [[nodiscard]] std::optional<PoolEvent> next(Duration limit);

 private:
  std::shared_ptr<PoolQueue> queue_;
};

struct QueryOptions {
  Duration timeout{};  ///< how long answers are collected; 0: 3.2 s in a pool of up to 9, then more
};
struct QueryReply {
  std::string from{}, payload{};
  friend bool operator==(const QueryReply&, const QueryReply&) = default;
};
struct QueryResult {
  std::vector<QueryReply> answers{};
  std::uint64_t heard_by{};  ///< members that got the query, whether or not they answered
};

}  // namespace coterie
