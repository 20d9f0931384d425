#include "coterie/wire/push_pull.hpp"

#include "memberlist_fields.hpp"

namespace coterie::wire {

Bytes encode(const PushPull& message) {
  Bytes out{static_cast<std::uint8_t>(MessageType::push_pull)};
  append_push_pull_header(
      out, {.nodes = static_cast<std::uint32_t>(message.nodes.size()),
            .user_state_bytes = static_cast<std::uint32_t>(message.user_state.size()),
            .join = message.join});
  for (const auto& node : message.nodes) append_push_pull_node(out, node);
  append(out, message.user_state);
  return out;
}

PushPullOutcome decode_push_pull(ByteView body) {
  MsgpackReader in(body);
  const auto stopped = [&]() -> PushPullOutcome {
    if (in.truncated()) return NeedMore{};
    return Malformed{};
  };
  const auto header = read_push_pull_header(in);
  if (!header) return stopped();
  PushPull message{.join = header->join};
  for (std::uint32_t i = 0; i < header->nodes; ++i) {
    auto node = read_push_pull_node(in);
    if (!node) return stopped();
    message.nodes.push_back(std::move(*node));
  }
  const auto rest = in.rest();
  if (rest.size() < header->user_state_bytes) return NeedMore{};
  if (rest.size() > header->user_state_bytes) return Malformed{};
  message.user_state = to_bytes(rest);
  return message;
}

}  // namespace coterie::wire
