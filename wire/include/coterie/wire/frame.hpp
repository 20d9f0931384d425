/// Frames and envelopes of the link port, in their final form (docs/WIRE.md specifies the bytes).
/// Every frame starts with the same 12 bytes: length, version, kind, flags, cluster tag. A request
/// envelope is one cache line. Fixed little-endian, because encoding costs 1.6 ns and decoding 1.8
/// ns where msgpack costs 3.8 and 12 (docs/BENCHMARKS.md). Thread-safety: values and free
/// functions.
#pragma once

#include <optional>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::wire {

inline constexpr std::uint8_t frame_version = 1;
inline constexpr std::size_t frame_prefix_bytes = 12;
inline constexpr std::size_t request_header_bytes = 64;
inline constexpr std::size_t reply_header_bytes = 56;
inline constexpr std::size_t max_entity_id_bytes = 255;  ///< the length is one byte
inline constexpr std::size_t max_payload_bytes =
    1024 * 1024;  ///< one message; larger things are streams
inline constexpr std::size_t max_frame_bytes =
    request_header_bytes + max_entity_id_bytes + max_payload_bytes;

/// Of the shard log alone: one record of 4 MiB, the widest envelope, and room to grow.
inline constexpr std::size_t max_replication_frame_bytes = 4 * 1024 * 1024 + 64 * 1024;

enum class FrameKind : std::uint8_t {
  hello = 1,    ///< dialler's first frame
  welcome = 2,  ///< acceptor's answer
  refuse = 3,   ///< acceptor's last frame
  request = 4,  ///< command to an entity
  reply = 5,
  meta_swap = 6,  ///< compare-and-swap batch to who leads the registers
  meta_result = 7,
  table = 8,       ///< a shard table, merged by highest epoch
  beat = 9,        ///< the sender lives, and how much it knows
  raft = 10,       ///< between the members of the registers' group
  leader = 11,     ///< the sender leads the registers, in this term
  shard_log = 12,  ///< between the replicas of a shard
  placement = 13,  ///< one shard's register, by who handed it over
  fence = 14,      ///< everything before it on this lane has gone to the shard's new primary
  fence_passed = 15,
  credit = 16,  ///< so much of what came on this lane has been taken
};

/// Frame flags (feature bits of one frame).
inline constexpr std::uint16_t flag_ask =
    1;  ///< the sender waits for a reply; without it the request is a tell
inline constexpr std::uint16_t flag_forwarded =
    2;  ///< by the shard's last primary: who gets it does not send it on
inline constexpr std::uint16_t flag_known_only =
    4;  ///< sent again: who gets it answers if the command had its effect, and does not decide it

struct FramePrefix {
  std::uint32_t length{};  ///< of the whole frame, these 12 bytes included
  std::uint8_t version = frame_version;
  FrameKind kind = FrameKind::hello;
  std::uint16_t flags{};
  std::uint32_t cluster_tag{};  ///< low 32 bits of the cluster id
  friend bool operator==(const FramePrefix&, const FramePrefix&) = default;
};

struct RequestHeader {
  std::uint16_t flags{};
  std::uint32_t cluster_tag{};
  std::uint32_t deadline_us{};  ///< microseconds left when sent; 0 = none. Relative: clocks differ
  SessionId session{};
  std::uint64_t sequence{};  ///< of the sender's session; names the ask
  Epoch epoch{};             ///< that the sender believes in
  ShardId shard{};
  std::uint8_t tag{};  ///< position of the command in the entity's command list
  EntityTypeId type{};
  CommandId command{};
  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

struct ReplyHeader {
  std::uint32_t cluster_tag{};
  std::uint32_t retry_after_ms{};  ///< hint; 0 = none
  SessionId session{};
  std::uint64_t sequence{};
  Epoch epoch{};
  ShardId shard{};
  std::uint8_t status{};  ///< 0 = ok, else an Errc
  Sequence entity_sequence{};
  friend bool operator==(const ReplyHeader&, const ReplyHeader&) = default;
};

struct RequestView {
  RequestHeader header{};
  ByteView entity{};
  ByteView payload{};
};
struct ReplyView {
  ReplyHeader header{};
  ByteView payload{};  ///< the value, or the error's detail
};

/// Reads the prefix; nullopt until 12 bytes are there. The caller checks length and version.
[[nodiscard]] std::optional<FramePrefix> read_prefix(ByteView input);
/// True if the version is ours and the length lies within 12 and the bound of its kind.
[[nodiscard]] bool plausible(const FramePrefix& prefix);

/// Appends a whole frame.
void append_request(Bytes& out, const RequestHeader& header, ByteView entity, ByteView payload);
void append_reply(Bytes& out, const ReplyHeader& header, ByteView payload);
void append_control(Bytes& out, FrameKind kind, std::uint32_t cluster_tag, ByteView body);

/// `frame` is exactly one frame of that kind; nullopt if its inner lengths lie.
[[nodiscard]] std::optional<RequestView> read_request(ByteView frame);
[[nodiscard]] std::optional<ReplyView> read_reply(ByteView frame);

[[nodiscard]] inline std::uint32_t cluster_tag(const ClusterId& id) {
  return static_cast<std::uint32_t>(id.low);
}

}  // namespace coterie::wire
