/// Whether a Serf query is meant for a member: by its name, or by its tags. Of tag expressions the
/// part that is used in practice is understood (text, `.`, `.*`, `^`, `$`, alternatives with `|` at
/// the top), in time linear in the text for each; a query with another one is not for us, because
/// matching a stranger's regular expression has no bound. Source: memberlist wire protocol, section
/// 13.2. Thread-safety: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "coterie/core/bytes.hpp"

namespace coterie::membership {

inline constexpr std::size_t max_tag_expression = 128;  ///< bytes; a longer one matches nobody

/// All filters agree; `meta` holds Serf's tags.
[[nodiscard]] bool meant_for(const std::vector<Bytes>& filters, std::string_view name,
                             ByteView meta);
[[nodiscard]] bool matches_expression(std::string_view expression, std::string_view text);

}  // namespace coterie::membership
