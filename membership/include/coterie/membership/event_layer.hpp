/// Events and queries of a pool, as Serf has them: two Lamport clocks, what was seen lately, the
/// queries that we asked and those that we may answer. Holds no more than its bounds, whatever
/// arrives. Source: memberlist wire protocol, sections 13.2 and 13.3. Thread-safety: one owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "coterie/core/time.hpp"
#include "coterie/membership/serf.hpp"
#include "coterie/membership/swim_effects.hpp"
#include "coterie/wire/serf_messages.hpp"

namespace coterie::membership {

/// Name and payload together; with the frame and every layer around it fits into one datagram.
inline constexpr std::size_t max_event_bytes = 512;
inline constexpr std::size_t max_query_bytes = 512;
inline constexpr std::size_t max_answer_bytes = 768;
/// Our own queries at once; one more is refused.
inline constexpr std::size_t max_open_queries = 64;
/// Queries of others that may still be answered; the one that ends first makes place.
inline constexpr std::size_t max_asked_queries = 256;
/// Names remembered for one query of ours, so that a member that answers twice counts once.
inline constexpr std::size_t max_answerers = 65'536;
/// However long somebody asks for.
inline constexpr Duration max_query_time = 60s;
/// Serf's default: the gossip interval, this, and the digits of the pool's size.
inline constexpr std::int64_t query_timeout_mult = 16;

/// A query that we may answer.
struct AskedQuery {
  wire::SerfQuery query{};  ///< without its payload
  Instant deadline{};
};

class EventLayer {
 public:
  /// Lamport times for what we say.
  [[nodiscard]] std::uint64_t stamp_event() { return event_time_++; }
  [[nodiscard]] std::uint64_t stamp_query() { return query_time_++; }
  /// True for what is new, and not older than what we remember.
  [[nodiscard]] bool receive(const wire::SerfEvent& event);
  [[nodiscard]] bool receive(const wire::SerfQuery& query);
  /// What a state exchange tells; before we joined nothing of the past is an event for us.
  void witness(const wire::SerfState& state, bool joining);

  /// False if too many are open.
  [[nodiscard]] bool open(std::uint64_t query, std::uint64_t time, std::uint32_t id,
                          Instant deadline);
  [[nodiscard]] std::uint64_t asked(const wire::SerfQuery& query, Instant deadline);
  /// Each query is answered once.
  [[nodiscard]] std::optional<AskedQuery> take_asked(std::uint64_t query, Instant now);
  /// Somebody answered or acknowledged: the effect, if it is news to a query of ours.
  [[nodiscard]] std::optional<QueryAnswer> answered(const wire::SerfAnswer& answer);
  [[nodiscard]] std::vector<QueryFinished> expire(Instant now);
  [[nodiscard]] Instant next_deadline() const;

 private:
  struct Open {
    std::uint64_t query{};
    Instant deadline{};
    std::set<std::string> acked{}, answered{};
  };
  using Key = std::pair<std::uint64_t, std::uint32_t>;  ///< Lamport time and id

  std::uint64_t event_time_ = 1, query_time_ = 1;
  std::uint64_t first_event_ = 0;  ///< older ones were before we joined
  RecentMessages events_{}, queries_{};
  std::map<Key, Open> open_{};
  std::map<std::uint64_t, AskedQuery> asked_{};
  std::uint64_t next_asked_ = 1;
};

}  // namespace coterie::membership
