/// The entities one worker knows: a slab of records found by open addressing on the 64-bit hash of
/// the id. A passive entity keeps its record (where its log ends), an active one also its state.
/// Thread-safety: one owner.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "coterie/core/flat_index.hpp"
#include "coterie/core/time.hpp"
#include "coterie/sharding/entity_hash.hpp"
#include "coterie/sharding/entity_type.hpp"

namespace coterie::sharding {

using EntitySlot = std::uint32_t;

enum class EntityPhase : std::uint8_t { passive, activating, active };

/// There are millions: the order of its members leaves no holes.
struct Entity {
  std::uint64_t hash{};
  const EntityType* type = nullptr;
  std::string id{};
  void* state = nullptr;
  Sequence sequence{};  ///< events so far, those on their way to the disk included
  LogIndex head{};      ///< its newest record; 0 = none
  Instant last_used{};
  std::uint32_t unsaved = 0;  ///< events since its newest snapshot
  ShardId shard{};
  EntityPhase phase = EntityPhase::passive;
  bool has_parked : 1 = false;  ///< commands wait for its activation
  /// Its newest snapshot, or its first event, is behind the so-manieth checkpoint of its shard.
  std::uint8_t saved_in : 7 = 0;
};
static_assert(sizeof(Entity) == 88);

class EntityStore {
 public:
  EntityStore() = default;
  ~EntityStore();
  EntityStore(EntityStore&&) = default;
  EntityStore& operator=(EntityStore&&) = delete;
  EntityStore(const EntityStore&) = delete;

  [[nodiscard]] EntitySlot find(std::uint64_t hash, EntityTypeId type, std::string_view id) const;
  /// Finds or makes a passive one.
  EntitySlot obtain(std::uint64_t hash, const EntityType& type, std::string_view id);
  [[nodiscard]] Entity& at(EntitySlot slot) { return slab_[slot]; }
  /// Destroys the state, keeps the record; without any event the record goes as well.
  void passivate(EntitySlot slot);
  /// Passivates all of one shard; nothing of theirs is parked any more.
  void passivate_shard(ShardId shard);
  /// Destroys states and records of one shard.
  void drop_shard(ShardId shard);
  /// Looks at up to `count` records, round robin, and passivates those idle since before
  /// `idle_before` for which `may(entity)` holds.
  template <class May>
  void passivate_idle(std::size_t count, Instant idle_before, May may) {
    for (std::size_t i = 0; i < count && i < slab_.size(); ++i) {
      sweep_ = sweep_ + 1 < slab_.size() ? sweep_ + 1 : 0;
      auto& entity = slab_[sweep_];
      if (entity.phase == EntityPhase::active && entity.last_used < idle_before && may(entity))
        passivate(sweep_);
    }
  }
  /// Looks at up to `count` records, round robin by a hand of the caller's; false ends it.
  template <class Look>
  void look_around(EntitySlot& hand, std::size_t count, Look look) {
    for (std::size_t i = 0; i < count && i < slab_.size(); ++i) {
      if (hand >= slab_.size()) hand = 0;
      if (slab_[hand].type != nullptr && !look(hand)) return;  // here it goes on
      ++hand;
    }
  }
  [[nodiscard]] std::size_t known() const { return index_.size(); }
  [[nodiscard]] std::size_t active() const { return active_; }
  void activated() { ++active_; }

 private:
  void destroy_state(Entity& entity);
  void erase(EntitySlot slot);

  FlatIndex index_{};
  std::deque<Entity> slab_{};
  std::vector<EntitySlot> free_{};
  EntitySlot sweep_ = 0;
  std::size_t active_ = 0;
};

}  // namespace coterie::sharding
