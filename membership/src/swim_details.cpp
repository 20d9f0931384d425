#include <algorithm>

#include "coterie/core/ensure.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/swim.hpp"

namespace coterie::membership {

/// The caller announces the hash in its metadata.
SwimEffects Swim::set_details(Bytes details, Instant) {
  COTERIE_ENSURE(details.size() <= wire::max_details_bytes);
  SwimEffects out;
  if (details == own_details_) return out;
  own_details_ = std::move(details);
  out.emplace_back(MemberDetails{name_, own_details_});
  return out;
}

/// What its metadata says of a member's details.
void Swim::note_details(const Member& member, Instant now, SwimEffects& out) {
  if (!is_native(member.meta)) return;
  const auto meta = decode_node_meta(member.meta);
  if (details_.announced(member.name, meta ? meta->details : 0, present(), random_, now))
    out.emplace_back(MemberDetails{member.name, {}});
}

void Swim::tick_details(Instant now, SwimEffects& out) {
  const auto open = std::count_if(streams_.begin(), streams_.end(), [](const auto& stream) {
    return stream.second.kind == StreamKind::details;
  });
  auto room = max_details_streams - std::min(max_details_streams, static_cast<std::size_t>(open));
  while (const auto fetch = details_.due(now)) {
    if (room == 0) continue;  // it is tried again
    const auto* const owner = members_.find(fetch->name);
    if (owner == nullptr || !owner->is_present()) {
      details_.forget(fetch->name);
      continue;
    }
    auto from = owner->gossip;
    if (!fetch->from_owner)  // it does not answer us: perhaps somebody else has it
      for (const auto* other : random_members(1, false, fetch->name, now))
        if (is_native(other->meta)) from = other->gossip;
    --room;
    const auto id =
        open_stream(StreamKind::details, from, wire::encode_ask_details(fetch->name), now, out);
    if (const auto stream = streams_.find(id); stream != streams_.end())
      stream->second.about = fetch->name;
  }
}

/// Empty if we do not have it.
Bytes Swim::answer_details(std::string_view name) const {
  if (name == name_) return wire::encode_details(own_details_);
  const auto* const held = details_.find(std::string(name));
  return wire::encode_details(held != nullptr ? ByteView(*held) : ByteView{});
}

void Swim::read_details(const std::string& name, const wire::NativeMessage& message,
                        SwimEffects& out) {
  if (message.type == wire::NativeType::details && details_.fetched(name, message.body))
    out.emplace_back(MemberDetails{name, to_bytes(message.body)});
}

}  // namespace coterie::membership
