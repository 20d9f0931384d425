#include "coterie/shared.hpp"

#include "coterie/gossip/shared_state.hpp"
#include "pool_bridge.hpp"

namespace coterie {

using gossip::SharedChange;
using gossip::SharedKind;

static_assert(max_shared == gossip::max_shared_change);

Status Shared::submit(SharedChange change) {
  if (change.key.name.empty() || change.key.name.size() > 255)
    return error(Errc::configuration, "a shared value's name has 1 to 255 bytes");
  if (change.key.name.size() + change.item.size() + change.value.size() > max_shared)
    return error(Errc::message_too_large, "name, item and text have together at most " +
                                              std::to_string(max_shared) +
                                              " bytes: share a reference to the data instead");
  return submit_(std::move(change));
}

Status Shared::add(const std::string& name, std::int64_t amount) {
  return submit({.key = {SharedKind::counter, name}, .amount = amount});
}
Status Shared::grow(const std::string& name, std::uint64_t amount) {
  const auto most = static_cast<std::uint64_t>(INT64_MAX);
  return submit({.key = {SharedKind::grow_counter, name},
                 .amount = static_cast<std::int64_t>(std::min(amount, most))});
}
Status Shared::set(const std::string& name, const std::string& value) {
  return submit({.key = {SharedKind::text, name}, .value = value});
}
Status Shared::insert(const std::string& name, const std::string& item) {
  return submit({.key = {SharedKind::set, name}, .item = item});
}
Status Shared::remove(const std::string& name, const std::string& item) {
  return submit({.key = {SharedKind::set, name}, .remove = true, .item = item});
}
Status Shared::put(const std::string& name, const std::string& field, const std::string& value) {
  return submit({.key = {SharedKind::map, name}, .item = field, .value = value});
}
Status Shared::erase(const std::string& name, const std::string& field) {
  return submit({.key = {SharedKind::map, name}, .remove = true, .item = field});
}

std::int64_t Shared::count(const std::string& name) const {
  return bridge_->shared({SharedKind::counter, name}).count;
}
std::uint64_t Shared::grown(const std::string& name) const {
  return static_cast<std::uint64_t>(bridge_->shared({SharedKind::grow_counter, name}).count);
}
std::string Shared::text(const std::string& name) const {
  return bridge_->shared({SharedKind::text, name}).text;
}
std::vector<std::string> Shared::items(const std::string& name) const {
  return bridge_->shared({SharedKind::set, name}).items;
}
std::map<std::string, std::string> Shared::fields(const std::string& name) const {
  const auto view = bridge_->shared({SharedKind::map, name});
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i < view.items.size(); ++i) fields[view.items[i]] = view.values[i];
  return fields;
}

}  // namespace coterie
