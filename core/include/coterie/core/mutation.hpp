/// Switches for the mutation tests: each is one small, wrong change to the real code that the
/// simulator must catch (placement contract, "Mutations"). They exist only where COTERIE_MUTATIONS
/// is defined, which is the one executable under tests/mutations; everywhere else `mutated` is
/// false before the optimizer looks. Thread-safety: set before a run, read during it.
#pragma once

#include <string_view>

namespace coterie {

#ifdef COTERIE_MUTATIONS
inline std::string_view active_mutation{};
[[nodiscard]] inline bool mutated(std::string_view name) { return name == active_mutation; }
#else
[[nodiscard]] constexpr bool mutated(std::string_view) { return false; }
#endif

}  // namespace coterie
