#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "coterie/transport/http_server.hpp"

// The management port's answers.
namespace coterie {

/// Names come from strangers and need not be UTF-8.
inline std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
inline transport::HttpResponse answer(const nlohmann::json& body) {
  return {.body = json_text(body)};
}
inline transport::HttpResponse problem(unsigned status, const std::string& what) {
  return {.status = status, .body = json_text({{"error", what}})};
}

}  // namespace coterie
