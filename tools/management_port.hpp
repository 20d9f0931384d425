/// What is asked at a management port, and what is said when no answer, or none of a node's, comes
/// back.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "commands.hpp"
#include "coterie/core/result.hpp"
#include "coterie/transport/http_client.hpp"

namespace coterie::tools {

/// Prints it on stderr; the exit code.
int say(const std::string& problem);

/// The JSON that GET `target` answers. nullopt: none of `shape` came, and it was told why.
[[nodiscard]] std::optional<nlohmann::json> fetch(const Query& query, const std::string& target,
                                                  nlohmann::json::value_t shape);

/// POST of what changes something; as `fetch`, but an answer that does not come may be a change
/// that does.
[[nodiscard]] std::optional<nlohmann::json> change(const Query& query, const std::string& target,
                                                   const nlohmann::json& body);

/// Whether what is asked changes something: then no answer is no "no".
enum class Asks : std::uint8_t { reads, changes };

/// Gives each line of the answer to `show` until it ends; the exit code: 1 if `show` answered false
/// of any, or it was told what went wrong. `body` empty: GET.
[[nodiscard]] int stream(const Query& query, const std::string& target, const std::string& body,
                         Asks asks, Duration silence,
                         const std::function<bool(const nlohmann::json&)>& show);

}  // namespace coterie::tools
