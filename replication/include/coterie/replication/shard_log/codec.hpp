/// The bytes of what replicas say to each other: docs/WIRE.md, "Shard log". Golden vectors:
/// tests/replication/shard_log_codec_test.cpp. Thread-safety: one owner each.
#pragma once

#include "coterie/replication/shard_log/messages.hpp"
#include "coterie/wire/msgpack_reader.hpp"

namespace coterie::replication::shard_log {

inline constexpr std::uint8_t message_version = 2;
inline constexpr std::uint32_t max_entries = 4096;  ///< of one message

/// A frame has room for one message, however large, or for messages that begin within so much.
inline constexpr std::size_t max_batch_bytes = 64 * 1024;

struct ShardMessage {
  ShardId shard{};
  Message message{};
  friend bool operator==(const ShardMessage&, const ShardMessage&) = default;
};

/// What one replica's name says to another's about any of their shards, as the body of one frame.
/// A node leads many shards, and they speak at the same moments: names once for all of them.
class BatchWriter {
 public:
  BatchWriter(const Replica& from, const Replica& to);
  /// Its names are those of the batch.
  void add(ShardId shard, const Message& message);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_{};
};

class BatchReader {
 public:
  /// The bytes outlive it.
  explicit BatchReader(ByteView bytes);
  [[nodiscard]] const Replica& from() const { return next_.message.from; }
  /// False: not a batch of this version, cut short, or beyond a bound.
  [[nodiscard]] bool ok() const { return ok_; }
  /// The next message, until the next call; nullptr: there is none more, or !ok().
  [[nodiscard]] const ShardMessage* next();

 private:
  wire::MsgpackReader in_;
  ShardMessage next_{};
  bool ok_ = false;
};

}  // namespace coterie::replication::shard_log
