/// An entity type without its C++ type: what the entity host needs to run one. The typed face
/// (coterie/entity.hpp) fills it in. Function pointers, not an interface: one seam per world, and
/// this is no world. Thread-safety: immutable once registered; states are touched only by the
/// worker that owns the shard.
#pragma once

#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::sharding {

/// What deciding a command came to. Reused from command to command, so that its buffers stay.
struct Outcome {
  enum class Kind : std::uint8_t { persisted, replied, refused, faulted, malformed };
  struct Event {
    std::uint8_t tag{};
    Bytes bytes{};
  };
  Kind kind = Kind::malformed;
  std::vector<Event> events{};
  Bytes reply{};         ///< the encoded value
  std::string detail{};  ///< of a refusal or a fault

  void clear() {
    kind = Kind::malformed;
    events.clear();
    reply.clear();
    detail.clear();
  }
};

struct EntityType {
  std::string name{};
  EntityTypeId id{};
  std::uint16_t schema = 0;          ///< version of the payload types
  std::uint32_t snapshot_every = 0;  ///< events between two snapshots; 0: none
  bool remember = false;             ///< in memory wherever its shard is led, asked for or not
  void* (*create)() = nullptr;
  void (*destroy)(void* state) = nullptr;
  /// Decides `tag` and, if it persists, evolves the state by its own events. Never throws: a throw
  /// becomes a fault, after which the state is unusable.
  void (*handle)(void* state, std::uint8_t tag, ByteView payload, Outcome& out) = nullptr;
  /// Evolves by one recorded event; false if the event cannot be decoded or the handler threw.
  bool (*evolve)(void* state, std::uint8_t tag, ByteView event) = nullptr;
  /// Appends the state; false: the user's code threw.
  bool (*save)(const void* state, Bytes& out) = nullptr;
  /// Into a fresh state; false if these bytes, a state of `schema`, are none.
  bool (*load)(void* state, std::uint16_t schema, ByteView bytes) = nullptr;
  /// Makes an event of `schema` one of the next; false if it cannot.
  bool (*migrate)(std::uint16_t schema, std::uint8_t& tag, Bytes& event) = nullptr;
};

}  // namespace coterie::sharding
