/// What members say to each other in user messages (type 8): Serf's events, queries and answers,
/// which our own pools use as well. `encode` writes the whole message, type byte 8 included;
/// `decode_*` takes what follows Serf's own type byte. Source: memberlist wire protocol, section
/// 13.2. Thread-safety: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/bytes.hpp"

namespace coterie::wire {

enum class SerfType : std::uint8_t {
  leave = 0,
  join = 1,
  push_pull = 2,
  event = 3,
  query = 4,
  answer = 5,
  conflict_answer = 6,
  key_request = 7,
  key_answer = 8,
  relay = 9,
};

inline constexpr std::size_t max_serf_payload = 10 * 1024;  ///< Serf's own limit is 9 KiB
inline constexpr std::uint32_t max_serf_filters = 16;       ///< of one query
inline constexpr std::uint32_t max_serf_keys = 64;          ///< in one answer about keys
inline constexpr std::uint32_t query_wants_ack = 1;         ///< flag of a query
inline constexpr std::uint32_t query_no_broadcast = 2;      ///< flag: not to be passed on
inline constexpr std::uint32_t answer_is_ack = 1;           ///< flag of an answer

struct SerfEvent {
  std::uint64_t time{};  ///< Lamport time of the event clock
  std::string name{};
  Bytes payload{};
  bool coalesce = false;
  friend bool operator==(const SerfEvent&, const SerfEvent&) = default;
};
struct SerfQuery {
  std::uint64_t time{};  ///< Lamport time of the query clock
  std::uint32_t id{};
  Address from{};  ///< where answers go
  std::string source{};
  std::vector<Bytes> filters{};
  std::uint32_t flags{};
  std::uint8_t relay_factor{};
  std::int64_t timeout_ns{};
  std::string name{};
  Bytes payload{};
  friend bool operator==(const SerfQuery&, const SerfQuery&) = default;
};
struct SerfAnswer {
  std::uint64_t time{};
  std::uint32_t id{};
  std::string from{};
  std::uint32_t flags{};
  Bytes payload{};
  friend bool operator==(const SerfAnswer&, const SerfAnswer&) = default;
};
/// An answer that takes a way around: `inner` is a Serf message (its type byte included).
struct SerfRelay {
  Address to{};
  std::string name{};
  Bytes inner{};
  friend bool operator==(const SerfRelay&, const SerfRelay&) = default;
};
/// The payload of an answer to a query about keys.
struct KeyAnswer {
  bool good = false;
  std::string message{};
  std::vector<std::string> keys{};  ///< base64
  std::string primary{};
  friend bool operator==(const KeyAnswer&, const KeyAnswer&) = default;
};
/// What a state exchange of Serf tells of events: its clocks, and what was broadcast lately.
struct SerfState {
  std::uint64_t time{}, event_time{}, query_time{};
  std::vector<SerfEvent> events{};
};

[[nodiscard]] Bytes encode(const SerfEvent&);
[[nodiscard]] Bytes encode(const SerfQuery&);
[[nodiscard]] Bytes encode(const SerfAnswer&);
[[nodiscard]] Bytes encode(const SerfRelay&);
[[nodiscard]] Bytes encode_key_request(ByteView key);  ///< the payload of a query
[[nodiscard]] Bytes encode(const KeyAnswer&);          ///< the payload of an answer

[[nodiscard]] std::optional<SerfEvent> decode_serf_event(ByteView body);
[[nodiscard]] std::optional<SerfQuery> decode_serf_query(ByteView body);
[[nodiscard]] std::optional<SerfAnswer> decode_serf_answer(ByteView body);
[[nodiscard]] std::optional<SerfRelay> decode_serf_relay(ByteView body);
[[nodiscard]] std::optional<Bytes> decode_key_request(ByteView payload);
[[nodiscard]] std::optional<KeyAnswer> decode_key_answer(ByteView payload);
[[nodiscard]] std::optional<SerfState> decode_serf_state(ByteView user_state);

}  // namespace coterie::wire
