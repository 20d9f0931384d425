/// Which protocol versions can live in one pool: everybody's ranges must contain everybody's
/// current versions. One member outside spoils every later state exchange, so it is kept out
/// wherever it comes from. Source: memberlist wire protocol, section 11.1. Thread-safety: pure
/// functions.
#pragma once

#include <string>

#include "coterie/membership/member_table.hpp"
#include "coterie/wire/push_pull.hpp"

namespace coterie::membership {

/// Each current version within its own range; protocol versions begin at 1.
[[nodiscard]] bool well_formed(const wire::Versions& versions);
/// Each one's current versions within the other's ranges.
[[nodiscard]] bool compatible(const wire::Versions& a, const wire::Versions& b);
/// memberlist's verifyProtocol over what a state exchange would bring together; the name of the
/// first member that does not fit, or nothing.
[[nodiscard]] std::string misfit(const wire::PushPull& remote, const MemberTable& local);

}  // namespace coterie::membership
