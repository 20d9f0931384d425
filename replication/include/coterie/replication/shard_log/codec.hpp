/// The bytes of what replicas say to each other: docs/WIRE.md, "Shard log". Golden vectors:
/// tests/replication/shard_log_codec_test.cpp. Thread-safety: pure functions.
#pragma once

#include <optional>

#include "coterie/replication/shard_log/messages.hpp"

namespace coterie::replication::shard_log {

inline constexpr std::uint8_t message_version = 1;
inline constexpr std::uint32_t max_entries = 4096;  ///< of one message

struct ShardMessage {
  ShardId shard{};
  Message message{};
  friend bool operator==(const ShardMessage&, const ShardMessage&) = default;
};

[[nodiscard]] Bytes encode(ShardId shard, const Message& message);
/// nullopt: not a message of this version, cut short, or beyond a bound.
[[nodiscard]] std::optional<ShardMessage> decode_message(ByteView bytes);

}  // namespace coterie::replication::shard_log
