#include "coterie/membership/details.hpp"

#include <xxhash.h>

#include <algorithm>

#include "coterie/wire/native_messages.hpp"

namespace coterie::membership {

std::uint64_t details_hash(ByteView details) {
  if (details.empty()) return 0;
  const std::uint64_t hash = XXH3_64bits(details.data(), details.size());
  return hash == 0 ? 1 : hash;
}

bool Details::announced(const std::string& name, std::uint64_t hash, std::size_t members,
                        Random& random, Instant now) {
  const auto found = entries_.find(name);
  if (found == entries_.end() && hash == 0) return false;
  auto& entry = entries_[name];
  if (entry.announced == hash) return false;
  const bool held = entry.held.has_value();
  if (held) total_ -= entry.held->size();
  const auto spread = details_spread * static_cast<std::int64_t>(1 + members);
  entry = {.announced = hash, .fetch_at = now + random.below(spread)};
  next_ = earliest(next_, entry.fetch_at);
  if (hash == 0) entries_.erase(name);
  return held;
}

bool Details::forget(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return false;
  const bool held = found->second.held.has_value();
  if (held) total_ -= found->second.held->size();
  entries_.erase(found);
  return held;
}

std::optional<Details::Fetch> Details::due(Instant now) {
  if (now < next_) return std::nullopt;
  next_ = never;
  for (auto& [name, entry] : entries_) {
    if (entry.fetch_at > now) {
      next_ = earliest(next_, entry.fetch_at);
      continue;
    }
    const auto doublings = std::min(entry.attempts, 7u);
    entry.fetch_at = now + std::min(details_retry * (1 << doublings), details_retry_max);
    next_ = now;  // there may be more
    return Fetch{name, entry.attempts++ % 2 == 0};
  }
  return std::nullopt;
}

bool Details::fetched(const std::string& name, ByteView bytes) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.held) return false;
  auto& entry = found->second;
  if (bytes.size() > wire::max_details_bytes || details_hash(bytes) != entry.announced ||
      total_ + bytes.size() > max_details_total)
    return false;
  entry.held = to_bytes(bytes);
  entry.fetch_at = never;
  total_ += bytes.size();
  return true;
}

const Bytes* Details::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found != entries_.end() && found->second.held ? &*found->second.held : nullptr;
}

}  // namespace coterie::membership
