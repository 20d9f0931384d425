/// The bodies of the memberlist wire protocol and their codec: maps keyed by the Go field name,
/// keys sorted bytewise. `encode` writes the type byte and the body, byte for byte as go-msgpack
/// 0.5.5 does (golden vectors in tests/wire/memberlist_messages_test.cpp). `decode_*` takes the
/// body after the type byte and answers nullopt for anything outside our limits. Source: memberlist
/// wire protocol, sections 2 to 4. Thread-safety: values.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "coterie/core/address.hpp"
#include "coterie/core/bytes.hpp"

namespace coterie::wire {

enum class MessageType : std::uint8_t {
  ping = 0,
  indirect_ping = 1,
  ack = 2,
  suspect = 3,
  alive = 4,
  dead = 5,
  push_pull = 6,
  compound = 7,
  user = 8,
  compress = 9,
  encrypt = 10,
  nack = 11,
  has_crc = 12,
  error = 13,
  label = 244,
};

inline constexpr std::size_t max_name_bytes = 255;    ///< 1..255; a name travels in every claim
inline constexpr std::size_t max_meta_bytes = 512;    ///< memberlist's own limit
inline constexpr std::size_t max_ack_payload = 1024;  ///< Serf's coordinate needs 150
inline constexpr std::uint32_t max_push_pull_nodes = 65'536;             ///< bounds one exchange
inline constexpr std::uint32_t max_user_state_bytes = 20 * 1024 * 1024;  ///< memberlist's cap

/// [pMin, pMax, pCur, dMin, dMax, dCur]; section 11.1.
using Versions = std::array<std::uint8_t, 6>;
inline constexpr Versions native_versions{1, 5, 2, 0, 0, 0};

/// Where a relay should answer; present since memberlist 0.2.0.
struct Source {
  Address address{};
  std::string node{};
  friend bool operator==(const Source&, const Source&) = default;
};

struct Ping {
  std::uint32_t sequence{};
  std::string node{};
  std::optional<Source> source{};
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct IndirectPing {
  std::uint32_t sequence{};
  Address target{};
  std::string node{};
  bool nack = false;
  std::optional<Source> source{};
  friend bool operator==(const IndirectPing&, const IndirectPing&) = default;
};
struct Ack {
  std::uint32_t sequence{};
  Bytes payload{};
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct Nack {
  std::uint32_t sequence{};
  friend bool operator==(const Nack&, const Nack&) = default;
};
struct ErrorReply {
  std::string text{};
  friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};
struct Suspect {
  std::uint32_t incarnation{};
  std::string node{};
  std::string from{};
  friend bool operator==(const Suspect&, const Suspect&) = default;
};
/// Death, or with `from == node` a leave (section 4.10).
struct Dead {
  std::uint32_t incarnation{};
  std::string node{};
  std::string from{};
  friend bool operator==(const Dead&, const Dead&) = default;
};
struct Alive {
  std::uint32_t incarnation{};
  std::string node{};
  Address address{};
  Bytes meta{};
  Versions versions = native_versions;
  friend bool operator==(const Alive&, const Alive&) = default;
};
struct PushPullHeader {
  std::uint32_t nodes{};
  std::uint32_t user_state_bytes{};
  bool join = false;
  friend bool operator==(const PushPullHeader&, const PushPullHeader&) = default;
};
enum class PushPullState : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };
struct PushPullNode {
  std::string name{};
  Address address{};
  Bytes meta{};
  std::uint32_t incarnation{};
  PushPullState state = PushPullState::alive;
  Versions versions = native_versions;
  friend bool operator==(const PushPullNode&, const PushPullNode&) = default;
};

[[nodiscard]] Bytes encode(const Ping&);
[[nodiscard]] Bytes encode(const IndirectPing&);
[[nodiscard]] Bytes encode(const Ack&);
[[nodiscard]] Bytes encode(const Nack&);
[[nodiscard]] Bytes encode(const ErrorReply&);
[[nodiscard]] Bytes encode(const Suspect&);
[[nodiscard]] Bytes encode(const Dead&);
[[nodiscard]] Bytes encode(const Alive&);
void append_push_pull_header(Bytes& out, const PushPullHeader&);  ///< without a type byte
void append_push_pull_node(Bytes& out, const PushPullNode&);
void append_user_stream_header(Bytes& out, std::uint32_t size);

[[nodiscard]] std::optional<Ping> decode_ping(ByteView body);
[[nodiscard]] std::optional<IndirectPing> decode_indirect_ping(ByteView body);
[[nodiscard]] std::optional<Ack> decode_ack(ByteView body);
[[nodiscard]] std::optional<Nack> decode_nack(ByteView body);
[[nodiscard]] std::optional<ErrorReply> decode_error(ByteView body);
[[nodiscard]] std::optional<Suspect> decode_suspect(ByteView body);
[[nodiscard]] std::optional<Dead> decode_dead(ByteView body);
[[nodiscard]] std::optional<Alive> decode_alive(ByteView body);

}  // namespace coterie::wire
