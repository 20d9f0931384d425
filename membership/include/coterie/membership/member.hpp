/// A member as one observer sees it. Thread-safety: a value type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coterie/core/address.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"
#include "coterie/wire/memberlist_messages.hpp"

namespace coterie::membership {

enum class MemberState : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };
[[nodiscard]] std::string_view to_string(MemberState state);

struct Member {
  std::string name{};  ///< 1..255 bytes, unique in the pool: the key
  Address gossip{};
  Incarnation incarnation{};
  wire::Versions versions = wire::native_versions;
  MemberState state = MemberState::dead;
  Bytes meta{};       ///< opaque here; at most 512 bytes
  Instant changed{};  ///< when `state` last changed, on the observer's time line

  friend bool operator==(const Member&, const Member&) = default;
  [[nodiscard]] bool is_present() const {
    return state == MemberState::alive || state == MemberState::suspect;
  }
};

/// A claim about a member's state, as gossip carries it.
struct Claim {
  Incarnation incarnation{};
  MemberState state = MemberState::alive;
};

/// True if `claim` replaces `known`. Alive needs a higher incarnation to override anything; suspect
/// overrides alive and dead overrides alive or suspect at an equal or higher one; nothing but a
/// higher alive revives. Source: SWIM section 4.2; memberlist wire protocol, section 11.2.
[[nodiscard]] constexpr bool supersedes(const Claim& claim, const Claim& known) {
  if (claim.state == MemberState::alive) return claim.incarnation > known.incarnation;
  if (claim.incarnation < known.incarnation) return false;
  const bool known_gone = known.state == MemberState::dead || known.state == MemberState::left;
  if (known_gone) return false;
  return claim.state != MemberState::suspect || known.state == MemberState::alive;
}

}  // namespace coterie::membership
