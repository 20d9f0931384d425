#include "coterie/gossip/shared_state.hpp"

#include <xxhash.h>

#include "shared_codec.hpp"

namespace coterie::gossip {
namespace {

constexpr std::size_t max_name = 255;
constexpr std::size_t kinds = std::variant_size_v<SharedValue>;

std::string digest_name(const SharedKey& key) {
  return std::string(1, static_cast<char>(key.kind)) + key.name;
}

SharedValue empty_value(SharedKind kind) {
  switch (kind) {
    case SharedKind::grow_counter: return GCounter{};
    case SharedKind::counter: return PNCounter{};
    case SharedKind::text: return SharedRegister{};
    case SharedKind::set: return OrSet<std::string>{};
    case SharedKind::map: return OrMap<std::string, SharedRegister>{};
  }
  return GCounter{};
}

/// Makes the change; the delta.
struct Apply {
  const Replica& self;
  const SharedChange& change;

  SharedValue operator()(GCounter& counter) const {
    return counter.add(self, static_cast<std::uint64_t>(std::max<std::int64_t>(0, change.amount)));
  }
  SharedValue operator()(PNCounter& counter) const { return counter.add(self, change.amount); }
  SharedValue operator()(SharedRegister& text) const { return text.set(self, change.value); }
  SharedValue operator()(OrSet<std::string>& set) const {
    return change.remove ? set.remove(change.item) : set.add(self, change.item);
  }
  SharedValue operator()(OrMap<std::string, SharedRegister>& map) const {
    if (change.remove) return map.remove(change.item);
    return map.update(self, change.item,
                      [&](SharedRegister& text) { return text.set(self, change.value); });
  }
};

/// A text whose Lamport time a hostile member drove to its end cannot be written any more.
bool has_room(const SharedValue& value, const SharedChange& change) {
  if (const auto* text = std::get_if<SharedRegister>(&value)) return text->time() < last_number;
  const auto* map = std::get_if<OrMap<std::string, SharedRegister>>(&value);
  if (map == nullptr || change.remove) return true;
  const auto field = map->values().find(change.item);
  return field == map->values().end() || field->second.time() < last_number;
}

/// Both are of one kind: their keys say so.
void merge_into(SharedValue& mine, const SharedValue& theirs) {
  std::visit(
      [&](auto& value) {
        if (const auto* other = std::get_if<std::decay_t<decltype(value)>>(&theirs))
          value.merge(*other);
      },
      mine);
}

}  // namespace

void append_entry(Bytes& out, const SharedKey& key, const SharedValue& value) {
  wire::MsgpackWriter writer(out);
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(key.kind));
  writer.str(key.name);
  write(writer, value);
}

void SharedState::measure(const SharedKey& key, Entry& entry) {
  Bytes encoded;
  append_entry(encoded, key, entry.value);
  bytes_ = bytes_ - entry.bytes + encoded.size();
  entry.bytes = encoded.size();
  entry.hash = XXH3_64bits(encoded.data(), encoded.size());
}

std::optional<Bytes> SharedState::change(const SharedChange& change) {
  const auto size = change.key.name.size() + change.item.size() + change.value.size();
  if (change.key.name.empty() || change.key.name.size() > max_name || size > max_shared_change ||
      bytes_ + size + self_.size() > limit_)
    return std::nullopt;
  auto [found, fresh] = values_.try_emplace(change.key);
  if (fresh) found->second.value = empty_value(change.key.kind);
  if (!has_room(found->second.value, change)) return std::nullopt;
  const auto delta = std::visit(Apply{self_, change}, found->second.value);
  measure(found->first, found->second);
  Bytes out;
  append_entry(out, change.key, delta);
  return out;
}

/// One whole entry; false if it does not decode.
bool SharedState::merge_one(ByteView entry, Merged& merged) {
  wire::MsgpackReader in(entry);
  SharedKey key;
  const bool triple = in.array(3) == 3;
  key.kind = static_cast<SharedKind>(in.unsigned_integer(kinds - 1));
  key.name = in.text(max_name);
  if (!triple || !in.ok() || key.name.empty()) return false;
  const auto theirs = read(in, key.kind);
  if (!in.ok()) return false;
  const auto found = values_.find(key);
  Entry next = found == values_.end() ? Entry{.value = empty_value(key.kind)} : found->second;
  const auto before = next;
  merge_into(next.value, theirs);
  const auto all = bytes_;
  measure(key, next);
  // What was there already costs nothing: only growth counts.
  if (bytes_ > limit_ && bytes_ > all) {
    bytes_ = all;
    return merged.over_limit = true;
  }
  if (next.hash == before.hash && found != values_.end()) return true;
  values_[key] = std::move(next);
  merged.changed.insert(key);
  return true;
}

SharedState::Merged SharedState::merge(ByteView entries) {
  Merged merged;
  while (!entries.empty()) {
    wire::MsgpackReader in(entries);
    in.skip();
    if (!in.ok()) return merged.malformed = true, merged;
    const auto size = in.position();
    // One that is wrong must not take those behind it along.
    if (!merge_one(entries.first(size), merged)) merged.malformed = true;
    entries = entries.subspan(size);
  }
  return merged;
}

Digest SharedState::digest() const {
  Digest digest;
  for (const auto& [key, entry] : values_) digest.add(digest_name(key), entry.hash);
  return digest;
}

Bytes SharedState::entries_in(const wire::PartSet& parts) const {
  Bytes out;
  for (const auto& [key, entry] : values_)
    if (parts[Digest::part_of(digest_name(key))]) append_entry(out, key, entry.value);
  return out;
}

SharedView SharedState::view(const SharedKey& key) const {
  SharedView view{.key = key};
  const auto found = values_.find(key);
  if (found == values_.end()) return view;
  const auto& value = found->second.value;
  if (const auto* grown = std::get_if<GCounter>(&value))
    view.count = static_cast<std::int64_t>(grown->value());
  if (const auto* counter = std::get_if<PNCounter>(&value)) view.count = counter->value();
  if (const auto* text = std::get_if<SharedRegister>(&value)) view.text = text->value();
  if (const auto* set = std::get_if<OrSet<std::string>>(&value))
    for (const auto& item : set->value()) view.items.push_back(item);
  if (const auto* map = std::get_if<OrMap<std::string, SharedRegister>>(&value))
    for (const auto& field : map->keys()) {
      view.items.push_back(field);
      const auto* const text = map->find(field);
      view.values.push_back(text == nullptr ? std::string() : text->value());
    }
  return view;
}

}  // namespace coterie::gossip
