#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/swim.hpp"
#include "coterie/wire/compound.hpp"

namespace coterie::membership {

bool Swim::share(const gossip::SharedChange& change, SwimEffects& out) {
  if (!is_native(self().meta)) return false;
  const auto delta = shared_.change(change);
  if (!delta) return false;
  gossip_delta(*delta);
  out.emplace_back(SharedChanged{shared_.view(change.key)});
  return true;
}

SwimEffects Swim::share(const gossip::SharedChange& change, Instant) {
  SwimEffects out;
  if (!share(change, out)) ++counters_.over_limit;
  return out;
}

void Swim::gossip_delta(ByteView entries) {
  auto message = wire::encode_shared_delta(entries);
  if (message.size() + wire::compound_part_overhead > packet_.budget(config_.packet_bytes))
    return void(++counters_.over_limit);  // the next exchange brings it
  broadcasts_.push(std::to_string(++user_messages_), std::move(message),
                   gossip::BroadcastClass::user);
}

/// True if it was news.
bool Swim::merge_shared(ByteView entries, SwimEffects& out) {
  const auto merged = shared_.merge(entries);
  counters_.malformed += merged.malformed ? 1 : 0;
  counters_.over_limit += merged.over_limit ? 1 : 0;
  for (const auto& key : merged.changed) out.emplace_back(SharedChanged{shared_.view(key)});
  return !merged.changed.empty();
}

/// With the exchange of members: whoever has anything, is new here or was not told
/// yet asks whether the other
/// has the same.
void Swim::compare_shared(const Address& peer, bool fresh, Instant now, SwimEffects& out) {
  if (fresh || !told_shared_ || !shared_.empty())
    open_stream(StreamKind::shared, peer, wire::encode_shared_digest(shared_.digest().parts()), now,
                out);
}

bool Swim::answer_shared(ConnId id, const wire::NativeMessage& message, SwimEffects& out) {
  if (message.type == wire::NativeType::shared_values)
    return (void)merge_shared(message.body, out), true;
  const auto parts = message.type == wire::NativeType::shared_digest
                         ? wire::decode_digest(message.body)
                         : std::nullopt;
  if (!parts) return false;
  const auto differ = shared_.digest() - gossip::Digest(*parts);
  answer_stream(id,
                differ.none() ? wire::encode_same()
                              : wire::encode_shared_difference(differ, shared_.entries_in(differ)),
                out);
  return true;
}

void Swim::read_shared(const Address& peer, const wire::NativeMessage& message, Instant now,
                       SwimEffects& out) {
  if (message.type == wire::NativeType::same) return void(told_shared_ = true);
  const auto difference = message.type == wire::NativeType::shared_difference
                              ? wire::decode_shared_difference(message.body)
                              : std::nullopt;
  if (!difference) return void(++counters_.malformed);
  (void)merge_shared(difference->entries, out);
  told_shared_ = true;
  auto mine = wire::encode_shared_values(shared_.entries_in(difference->parts));
  const auto told = open_stream(StreamKind::one_way, peer, std::move(mine), now, out);
  if (told != ConnId{}) end_stream(told, out);
}

}  // namespace coterie::membership
