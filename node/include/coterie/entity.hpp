/// The typed face of an event-sourced entity: a plain struct with state, Commands, Events, decide
/// and evolve.
///
///   `decide(command) const` says what may happen and what is replied:
///   persist(events...).reply(...), reply(...), refuse(reason) or fault(reason). `evolve(event)`
///   folds one event into the state. Both must be deterministic and free of I/O: they also run when
///   an entity is replayed from its log. The tag on the wire and on disk is the position in the
///   lists: append only.
///   With MSGPACK_DEFINE (or a Codec) for the state itself, a snapshot is written every
///   `snapshot_every` events, so that an entity is read from there. `schema` (0 at first) is the
///   version of its payloads: raise it when an event's fields change, and give
///   `static OldEvent migrate(OldEvent)`; snapshots of another schema are passed over, unless there
///   is `static bool load_old(std::uint16_t schema, ByteView snapshot, E& state)`: where history is
///   trimmed (Config::keep_history) they are all that is left, and it has to be there.
///   With `static constexpr bool remember = true` an entity that has events is in memory wherever
///   its shard is led, also after a move or a restart (1,000 a second and worker come back), so
///   that none of its commands waits for the log; it makes room only at the bound on live entities.
/// Thread-safety: an entity's functions run on one worker at a time; references may be used from
/// any thread.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coterie/codec.hpp"
#include "coterie/sharding/entity_type.hpp"

namespace coterie {

/// An ordered list of types; positions are tags.
template <class... Ts>
struct List {
  static_assert(sizeof...(Ts) <= 256, "a tag is one byte");
};

/// Events between two snapshots of an entity whose state has a Codec (MSGPACK_DEFINE), unless it
/// says `static constexpr std::uint32_t snapshot_every = N`; 0: none.
inline constexpr std::uint32_t default_snapshot_every = 100;

/// A recorded event of an earlier `E::schema` on its way to the next one: E::migrate gets it and
/// answers it with another tag or other bytes. Called once for each schema in between.
struct OldEvent {
  std::uint16_t schema{};
  std::uint8_t tag{};
  Bytes bytes{};
};

namespace face {

template <class L>
struct ListOf;
template <class... Ts>
struct ListOf<List<Ts...>> {
  using Variant = std::variant<Ts...>;
  static constexpr std::size_t size = sizeof...(Ts);
  template <class T>
  static constexpr std::uint8_t index() {
    std::uint8_t i = 0;
    bool found = false;
    ((std::is_same_v<T, Ts> ? void(found = true) : (found ? void() : void(++i))), ...);
    return i;
  }
  template <class T>
  static constexpr bool contains = (std::is_same_v<T, Ts> || ...);
};

template <class... Events>
struct Persisted {
  std::tuple<Events...> events;
  /// What the caller gets: a member pointer, a function of the state after the events, or a value.
  template <class F>
  auto reply(F projection) &&;
};
template <class F, class... Events>
struct PersistedReply {
  std::tuple<Events...> events;
  F projection;
};
template <class F>
struct Replied {
  F projection;
};
struct Refused {
  std::string reason;
};
struct Faulted {
  std::string reason;
};

template <class... Events>
template <class F>
auto Persisted<Events...>::reply(F projection) && {
  return PersistedReply<F, Events...>{std::move(events), std::move(projection)};
}

}  // namespace face

/// These events happen, in order, all or none.
template <class... Events>
[[nodiscard]] face::Persisted<std::decay_t<Events>...> persist(Events&&... events) {
  return {{std::forward<Events>(events)...}};
}
/// Nothing happens; this is the answer: a member pointer, a function of the state, or a value.
template <class F>
[[nodiscard]] face::Replied<std::decay_t<F>> reply(F&& projection) {
  return {std::forward<F>(projection)};
}
/// Nothing happens, and the caller is told why. Not recorded: a retry decides anew.
[[nodiscard]] inline face::Refused refuse(std::string reason) { return {std::move(reason)}; }
/// The entity cannot go on: it restarts from its log.
[[nodiscard]] inline face::Faulted fault(std::string reason) { return {std::move(reason)}; }

/// What decide() answers for entity `E` with replies of type `R`.
template <class E, class R>
class Decision {
 public:
  using Reply = R;
  Decision(face::Refused r)
      : kind_(sharding::Outcome::Kind::refused), detail_(std::move(r.reason)) {}  // NOLINT
  Decision(face::Faulted f)
      : kind_(sharding::Outcome::Kind::faulted), detail_(std::move(f.reason)) {}  // NOLINT
  template <class F>
  Decision(face::Replied<F> r)  // NOLINT: decisions convert
      : kind_(sharding::Outcome::Kind::replied), projection_(projection(std::move(r.projection))) {}
  template <class... Events>
  Decision(face::Persisted<Events...> p)  // NOLINT
      : kind_(sharding::Outcome::Kind::persisted), projection_([](const E&) { return R{}; }) {
    take(std::move(p.events));
  }
  template <class F, class... Events>
  Decision(face::PersistedReply<F, Events...> p)  // NOLINT
      : kind_(sharding::Outcome::Kind::persisted),
        projection_(projection(std::move(p.projection))) {
    take(std::move(p.events));
  }

  /// Evolves `state` by the events and writes everything down; used by the entity host.
  void finish(E& state, sharding::Outcome& out) {
    out.kind = kind_;
    out.detail = std::move(detail_);
    for (auto& event : events_) {
      std::visit(
          [&](const auto& e) {
            using One = std::decay_t<decltype(e)>;
            out.events.push_back({face::ListOf<typename E::Events>::template index<One>(), {}});
            Codec<One>::encode(e, out.events.back().bytes);
            state.evolve(e);
          },
          event);
    }
    if (projection_) Codec<R>::encode(projection_(state), out.reply);
  }

 private:
  using Event = typename face::ListOf<typename E::Events>::Variant;
  template <class F>
  static std::function<R(const E&)> projection(F f) {
    if constexpr (std::is_invocable_r_v<R, F, const E&>)
      return [f](const E& state) -> R { return std::invoke(f, state); };
    else return [f](const E&) -> R { return static_cast<R>(f); };
  }
  template <class Tuple>
  void take(Tuple events) {
    std::apply([&](auto&... e) { (events_.emplace_back(std::move(e)), ...); }, events);
  }

  sharding::Outcome::Kind kind_;
  std::vector<Event> events_{};
  std::function<R(const E&)> projection_{};
  std::string detail_{};
};

namespace face {

template <class E, class C>
void decide_as(E& state, ByteView payload, sharding::Outcome& out) {
  C command{};
  if (!Codec<C>::decode(payload, command)) {
    out.detail = "the command's payload does not decode";
    return;
  }
  std::as_const(state).decide(command).finish(state, out);
}
template <class E, class Event>
bool evolve_as(E& state, ByteView bytes) {
  Event event{};
  if (!Codec<Event>::decode(bytes, event)) return false;
  state.evolve(event);
  return true;
}

template <class E, class... Cs>
void handle(E& state, std::uint8_t tag, ByteView payload, sharding::Outcome& out, List<Cs...>) {
  static constexpr std::array<void (*)(E&, ByteView, sharding::Outcome&), sizeof...(Cs)> table{
      &decide_as<E, Cs>...};
  if (tag < table.size()) return table[tag](state, payload, out);
  out.detail = "this version of the entity does not know command " + std::to_string(tag);
}
template <class E, class... Es>
bool evolve(E& state, std::uint8_t tag, ByteView bytes, List<Es...>) {
  static constexpr std::array<bool (*)(E&, ByteView), sizeof...(Es)> table{&evolve_as<E, Es>...};
  return tag < table.size() && table[tag](state, bytes);
}

/// Its state can be written down: it has a Codec, as with MSGPACK_DEFINE.
template <class E>
concept Saved = requires(const E& state, E& target, Bytes& out, ByteView bytes) {
  Codec<E>::encode(state, out);
  { Codec<E>::decode(bytes, target) } -> std::same_as<bool>;
};

template <class E>
[[nodiscard]] constexpr std::uint16_t schema_of() {
  if constexpr (requires { E::schema; }) return E::schema;
  else return 0;
}
template <class E>
[[nodiscard]] constexpr std::uint32_t snapshot_every() {
  if constexpr (!Saved<E>) return 0;
  else if constexpr (requires { E::snapshot_every; }) return E::snapshot_every;
  else return default_snapshot_every;
}

template <class E>
[[nodiscard]] constexpr bool remembered() {
  if constexpr (requires { E::remember; }) return E::remember;
  else return false;
}

template <class E>
bool save(const void* state, Bytes& out) {
  if constexpr (Saved<E>) {
    try {
      Codec<E>::encode(*static_cast<const E*>(state), out);
      return true;
    } catch (...) {
      return false;
    }
  }
  return false;
}
template <class E>
bool load(void* state, std::uint16_t schema, ByteView bytes) {
  if constexpr (Saved<E>) {
    try {
      if (schema == schema_of<E>()) return Codec<E>::decode(bytes, *static_cast<E*>(state));
      if constexpr (requires(E & target) {
                      { E::load_old(schema, bytes, target) } -> std::same_as<bool>;
                    })
        return schema < schema_of<E>() && E::load_old(schema, bytes, *static_cast<E*>(state));
    } catch (...) {
      return false;
    }
  }
  return false;
}
template <class E>
bool migrate(std::uint16_t schema, std::uint8_t& tag, Bytes& event) {
  if constexpr (requires(OldEvent old) {
                  { E::migrate(std::move(old)) } -> std::same_as<OldEvent>;
                }) {
    try {
      auto newer = E::migrate({schema, tag, std::move(event)});
      tag = newer.tag;
      event = std::move(newer.bytes);
      return true;
    } catch (...) {
      return false;
    }
  }
  return false;
}

/// Erases the type of an entity for the host. A throw from user code becomes a fault here: none
/// crosses the border.
template <class E>
[[nodiscard]] sharding::EntityType erase(std::string name, EntityTypeId id) {
  return {.name = std::move(name),
          .id = id,
          .schema = schema_of<E>(),
          .snapshot_every = snapshot_every<E>(),
          .remember = remembered<E>(),
          .create = +[]() -> void* { return new E{}; },
          .destroy = +[](void* state) { delete static_cast<E*>(state); },
          .handle =
              +[](void* state, std::uint8_t tag, ByteView payload, sharding::Outcome& out) {
                try {
                  handle(*static_cast<E*>(state), tag, payload, out, typename E::Commands{});
                } catch (const std::exception& thrown) {
                  out.clear();
                  out.kind = sharding::Outcome::Kind::faulted;
                  out.detail = thrown.what();
                } catch (...) {
                  out.clear();
                  out.kind = sharding::Outcome::Kind::faulted;
                  out.detail = "the handler threw something that is no std::exception";
                }
              },
          .evolve =
              +[](void* state, std::uint8_t tag, ByteView event) {
                try {
                  return evolve(*static_cast<E*>(state), tag, event, typename E::Events{});
                } catch (...) {
                  return false;
                }
              },
          .save = &save<E>,
          .load = &load<E>,
          .migrate = &migrate<E>};
}

}  // namespace face

}  // namespace coterie
