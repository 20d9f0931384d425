#include "management_port.hpp"

#include <algorithm>
#include <cstdio>

namespace coterie::tools {
namespace {

using nlohmann::json;

constexpr std::size_t shown_of_a_stranger = 60;  // characters: enough to see what it is

/// Another program's answer, as one line.
std::string no_management_port(const Query& query, std::string_view text) {
  const bool whole = text.size() <= shown_of_a_stranger;
  std::string shown(text.substr(0, shown_of_a_stranger));
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
  return query.management + " is not a Coterie management port (it answered " +
         (text.empty() ? "nothing" : "'" + shown + (whole ? "'" : "...'")) + ")";
}

std::string why(const Error& error, Asks asks) {
  if (!error.is(Errc::deadline_exceeded)) return error.detail;
  return error.detail + (asks == Asks::changes
                             ? ": outcome unknown, it may still happen; coterie members or "
                               "rebalance --dry-run shows"
                             : "; does its node still run? Check --management");
}

}  // namespace

int say(const std::string& problem) {
  std::fprintf(stderr, "coterie: %s\n", problem.c_str());
  return 1;
}

std::optional<json> fetch(const Query& query, const std::string& target, json::value_t shape) {
  const auto address = parse_address(query.management);
  if (!address) return say(address.error().detail), std::nullopt;
  const auto answer = transport::http_get(*address, target, 5s);
  if (!answer) return say(why(answer.error(), Asks::reads)), std::nullopt;
  if (answer->status != 200)
    return say(query.management + " answered " + std::to_string(answer->status) + ": " +
               answer->body),
           std::nullopt;
  auto parsed = json::parse(answer->body, nullptr, false);
  if (parsed.type() != shape) return say(no_management_port(query, answer->body)), std::nullopt;
  return parsed;
}

std::optional<json> change(const Query& query, const std::string& target, const json& body) {
  const auto address = parse_address(query.management);
  if (!address) return say(address.error().detail), std::nullopt;
  std::string answer;
  // What was typed need not be UTF-8.
  const auto sent = transport::http_lines(
      *address, target, body.dump(-1, ' ', false, json::error_handler_t::replace), {},
      [&](std::string_view line) { return answer.append(line), true; });
  if (!sent) return say(why(sent.error(), Asks::changes)), std::nullopt;
  auto parsed = json::parse(answer, nullptr, false);
  if (!parsed.is_object()) return say(no_management_port(query, answer)), std::nullopt;
  return parsed;
}

int stream(const Query& query, const std::string& target, const std::string& body, Asks asks,
           Duration silence, const std::function<bool(const json&)>& show) {
  const auto address = parse_address(query.management);
  if (!address) return say(address.error().detail);
  bool good = true, any = false;
  const auto done = transport::http_lines(*address, target, body, {.silence = silence},
                                          [&](std::string_view text) {
                                            any = true;
                                            const auto line = json::parse(text, nullptr, false);
                                            if (!line.is_object()) {
                                              good = say(no_management_port(query, text)) == 0;
                                              return false;
                                            }
                                            good = show(line) && good;
                                            return true;
                                          });
  if (!done) return say(why(done.error(), asks));
  if (!any) return say(no_management_port(query, ""));
  return good ? 0 : 1;
}

}  // namespace coterie::tools
