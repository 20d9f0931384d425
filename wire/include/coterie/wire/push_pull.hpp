/// The state exchange of the memberlist stream: `06`, a header map, N node maps, opaque user state;
/// no length prefix. Because the message is self-delimiting, decoding has three outcomes, and
/// because it arrives in pieces, a reader that goes on where it stopped. Source: memberlist wire
/// protocol, section 11.6. Thread-safety: values.
#pragma once

#include <variant>
#include <vector>

#include "coterie/wire/memberlist_messages.hpp"

namespace coterie::wire {

struct PushPull {
  bool join = false;
  std::vector<PushPullNode> nodes{};
  Bytes user_state{};
  friend bool operator==(const PushPull&, const PushPull&) = default;
};

struct NeedMore {};
struct Malformed {};
using PushPullOutcome = std::variant<PushPull, NeedMore, Malformed>;

[[nodiscard]] Bytes encode(const PushPull& message);
/// `body` starts after the type byte.
[[nodiscard]] PushPullOutcome decode_push_pull(ByteView body);

/// The same for what arrives piece by piece: each node is decoded once.
class PushPullReader {
 public:
  /// `body`: all that arrived so far. More nodes than `max_nodes` are malformed.
  [[nodiscard]] PushPullOutcome read(ByteView body, std::uint32_t max_nodes = max_push_pull_nodes);

 private:
  std::optional<PushPullHeader> header_{};
  std::size_t at_ = 0;  ///< everything before it is in `message_`
  PushPull message_{};
};

}  // namespace coterie::wire
