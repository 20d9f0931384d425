#include "coterie/sharding/entity_store.hpp"

namespace coterie::sharding {

EntityStore::~EntityStore() {
  for (auto& entity : slab_) destroy_state(entity);
}

EntitySlot EntityStore::find(std::uint64_t hash, EntityTypeId type, std::string_view id) const {
  return index_.find(
      hash, [&](EntitySlot slot) { return slab_[slot].type->id == type && slab_[slot].id == id; });
}

EntitySlot EntityStore::obtain(std::uint64_t hash, const EntityType& type, std::string_view id) {
  if (const auto found = find(hash, type.id, id); found != FlatIndex::none) return found;
  EntitySlot slot = 0;
  if (free_.empty()) {
    slot = static_cast<EntitySlot>(slab_.size());
    slab_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  auto& entity = slab_[slot];
  entity = Entity{};
  entity.hash = hash;
  entity.type = &type;
  entity.id = id;
  entity.shard = shard_of(hash);
  index_.insert(hash, slot);
  return slot;
}

void EntityStore::destroy_state(Entity& entity) {
  if (entity.state == nullptr) return;
  entity.type->destroy(entity.state);
  entity.state = nullptr;
  if (entity.phase == EntityPhase::active) --active_;
}

void EntityStore::erase(EntitySlot slot) {
  auto& entity = slab_[slot];
  index_.erase(entity.hash, slot);
  entity = Entity{};
  free_.push_back(slot);
}

void EntityStore::passivate(EntitySlot slot) {
  auto& entity = slab_[slot];
  destroy_state(entity);
  entity.phase = EntityPhase::passive;
  if (entity.head == LogIndex{} && !entity.has_parked) erase(slot);
}

void EntityStore::passivate_shard(ShardId shard) {
  for (EntitySlot slot = 0; slot < slab_.size(); ++slot) {
    auto& entity = slab_[slot];
    if (entity.type == nullptr || entity.shard != shard) continue;
    entity.has_parked = false;
    passivate(slot);
  }
}

void EntityStore::drop_shard(ShardId shard) {
  for (EntitySlot slot = 0; slot < slab_.size(); ++slot) {
    auto& entity = slab_[slot];
    if (entity.type == nullptr || entity.shard != shard) continue;
    destroy_state(entity);
    erase(slot);
  }
}

}  // namespace coterie::sharding
