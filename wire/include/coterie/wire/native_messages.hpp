/// What members of a native pool say to each other beyond memberlist: user messages (type 8) whose
/// payload begins with 0xc1, which no Serf message does, and a type byte. They go only to members
/// whose metadata begins with the same byte. docs/WIRE.md, "Native messages", has the bytes.
/// Thread-safety: values.
#pragma once

#include <array>
#include <bitset>
#include <optional>

#include "coterie/wire/push_pull.hpp"

namespace coterie::wire {

inline constexpr std::uint8_t native_mark = 0xc1;

enum class NativeType : std::uint8_t {
  digest = 1,      ///< on a stream: do we hold the same members? answered by `same` or `difference`
  same = 2,        ///< we do
  difference = 3,  ///< we do not: what I hold where we differ; yours by `facts`
  facts = 4,       ///< on a stream of its own, without an answer
  ask_details = 5,        ///< on a stream: what a member says of itself beyond its metadata
  details = 6,            ///< the answer; empty if it is not known here
  shared_delta = 7,       ///< in a datagram: a change of the shared state, passed on if it is news
  shared_digest = 8,      ///< on a stream: as `digest`, of the shared state
  shared_difference = 9,  ///< the parts that differ, and what I hold in them
  shared_values = 10,     ///< on a stream of its own, without an answer
};

/// What a member says of itself beyond its 512 bytes of metadata, which hold its hash.
inline constexpr std::size_t max_details_bytes = 64 * 1024;

/// A set of facts in 256 parts, each the exclusive or of the hashes of its facts.
inline constexpr std::size_t digest_parts = 256;
using DigestParts = std::array<std::uint32_t, digest_parts>;
using PartSet = std::bitset<digest_parts>;

struct Difference {
  PartSet parts{};
  PushPull held{};
  friend bool operator==(const Difference&, const Difference&) = default;
};

struct SharedDifference {
  PartSet parts{};
  ByteView entries{};
};

struct NativeMessage {
  NativeType type{};
  ByteView body{};
};
/// Of a user message's payload; nullopt if it is not native.
[[nodiscard]] std::optional<NativeMessage> native_message(ByteView payload);

/// User messages for a stream: type byte, header, payload.
[[nodiscard]] Bytes encode_digest(const DigestParts& parts);
[[nodiscard]] Bytes encode_same();
[[nodiscard]] Bytes encode(const Difference& difference);
[[nodiscard]] Bytes encode_facts(const PushPull& held);
[[nodiscard]] Bytes encode_ask_details(std::string_view name);
[[nodiscard]] Bytes encode_details(ByteView details);
[[nodiscard]] Bytes encode_shared_delta(ByteView entries);  ///< for a datagram
[[nodiscard]] Bytes encode_shared_digest(const DigestParts& parts);
[[nodiscard]] Bytes encode_shared_difference(const PartSet& parts, ByteView entries);
[[nodiscard]] Bytes encode_shared_values(ByteView entries);

[[nodiscard]] std::optional<DigestParts> decode_digest(ByteView body);
[[nodiscard]] std::optional<Difference> decode_difference(ByteView body);
[[nodiscard]] std::optional<PushPull> decode_facts(ByteView body);
[[nodiscard]] std::optional<SharedDifference> decode_shared_difference(ByteView body);

/// The payload of a user message on a stream; `body` starts after the type byte.
using UserStreamOutcome = std::variant<ByteView, NeedMore, Malformed>;
[[nodiscard]] UserStreamOutcome decode_user_stream(ByteView body, std::size_t max);

}  // namespace coterie::wire
