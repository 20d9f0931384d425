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

PushPullOutcome decode_push_pull(ByteView body) { return PushPullReader{}.read(body); }

PushPullOutcome PushPullReader::read(ByteView body, std::uint32_t max_nodes) {
  const auto stopped = [](const MsgpackReader& in) -> PushPullOutcome {
    if (in.truncated()) return NeedMore{};
    return Malformed{};
  };
  if (!header_) {
    MsgpackReader in(body);
    const auto header = read_push_pull_header(in);
    if (!header) return stopped(in);
    if (header->nodes > max_nodes) return Malformed{};
    header_ = header;
    message_.join = header->join;
    at_ = in.position();
  }
  while (message_.nodes.size() < header_->nodes) {
    MsgpackReader in(body.subspan(at_));
    auto node = read_push_pull_node(in);
    if (!node) return stopped(in);
    message_.nodes.push_back(std::move(*node));
    at_ += in.position();
  }
  const auto rest = body.subspan(at_);
  if (rest.size() < header_->user_state_bytes) return NeedMore{};
  if (rest.size() > header_->user_state_bytes) return Malformed{};
  message_.user_state = to_bytes(rest);
  return std::move(message_);
}

}  // namespace coterie::wire
