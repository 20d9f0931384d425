/// Field by field reading of a Go struct that arrives as a msgpack map; private to wire.
#pragma once

#include <optional>
#include <string>

#include "coterie/wire/memberlist_messages.hpp"
#include "coterie/wire/msgpack_reader.hpp"

namespace coterie::wire {

inline constexpr std::uint32_t max_fields =
    32;  ///< the largest known struct has 8; room for newer versions

/// Calls `field(key, reader)` for each known key; it answers false for a key it does not know,
/// which is then skipped.
template <class Field>
[[nodiscard]] bool read_fields(MsgpackReader& in, Field field) {
  const auto size = in.map(max_fields);
  for (std::uint32_t i = 0; i < size && in.ok(); ++i) {
    const auto key = in.text(max_name_bytes);
    if (!in.ok()) return false;
    if (!field(key, in)) in.skip();
  }
  return in.ok();
}

/// An IP address of exactly 4 or 16 bytes (nil allowed: unset); anything else is refused.
[[nodiscard]] inline bool valid_ip(ByteView ip) {
  return ip.empty() || ip.size() == 4 || ip.size() == 16;
}
[[nodiscard]] inline bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= max_name_bytes;
}

[[nodiscard]] std::optional<Versions> read_versions(MsgpackReader& in);
/// One node of a push/pull; nullopt leaves the reader's state to tell truncation from malformation.
[[nodiscard]] std::optional<PushPullNode> read_push_pull_node(MsgpackReader& in);
[[nodiscard]] std::optional<PushPullHeader> read_push_pull_header(MsgpackReader& in);

}  // namespace coterie::wire
