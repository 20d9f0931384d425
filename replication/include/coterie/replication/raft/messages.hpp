/// What members of a Raft group say to each other, and its bytes (docs/WIRE.md, "Raft"; golden
/// vectors in tests/replication/raft_messages_test.cpp). Source: Ongaro and Ousterhout 2014,
/// figures 2 and 13; thesis 3.10 (transfer), 4.2.1 (learners), 6.4 (ReadIndex), 9.6 (pre-vote).
/// Thread-safety: values.
#pragma once

#include <optional>
#include <variant>

#include "coterie/replication/raft/types.hpp"

namespace coterie::replication::raft {

struct VoteRequest {
  bool pre = false;       ///< would you? nobody's term changes
  bool transfer = false;  ///< the leader itself asked for this election
  Index last{};
  Term last_term{};
  friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};
struct VoteReply {
  bool pre = false;
  bool granted = false;
  friend bool operator==(const VoteReply&, const VoteReply&) = default;
};
struct AppendEntries {
  Index previous{};
  Term previous_term{};
  Index commit{};
  std::uint64_t round{};  ///< echoed: which of the leader's messages an answer is to
  std::vector<Entry> entries{};
  friend bool operator==(const AppendEntries&, const AppendEntries&) = default;
};
struct AppendReply {
  bool accepted = false;
  Index match{};  ///< accepted: everything up to here is durable and the leader's
  Index hint{};   ///< refused: try from here
  std::uint64_t round{};
  friend bool operator==(const AppendReply&, const AppendReply&) = default;
};
struct SnapshotChunk {
  Index index{};
  Term index_term{};
  Configuration configuration{};
  std::uint32_t size{};  ///< of the whole state
  std::uint32_t offset{};
  std::uint64_t round{};
  Bytes part{};
  friend bool operator==(const SnapshotChunk&, const SnapshotChunk&) = default;
};
struct SnapshotReply {
  Index index{};
  std::uint32_t next{};  ///< the offset that is wanted next; `size` once it is durable
  std::uint64_t round{};
  friend bool operator==(const SnapshotReply&, const SnapshotReply&) = default;
};
/// To the target of a leadership transfer: campaign now.
struct TimeoutNow {
  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

struct Message {
  MemberId from{};
  MemberId to{};
  Term term{};
  std::variant<VoteRequest, VoteReply, AppendEntries, AppendReply, SnapshotChunk, SnapshotReply,
               TimeoutNow>
      body{};
  friend bool operator==(const Message&, const Message&) = default;
};

inline constexpr std::uint8_t message_version = 1;
inline constexpr std::size_t max_state_bytes = 8 * 1024 * 1024;  ///< of a snapshot
inline constexpr std::uint32_t max_entries = 4096;               ///< of one message

[[nodiscard]] Bytes encode(const Message& message);
[[nodiscard]] std::optional<Message> decode_message(ByteView bytes);

/// A configuration as an entry's data.
[[nodiscard]] Bytes encode(const Configuration& configuration);
[[nodiscard]] std::optional<Configuration> decode_configuration(ByteView bytes);

}  // namespace coterie::replication::raft
