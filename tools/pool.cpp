#include <cstdio>
#include <set>

#include "management_port.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;

constexpr Duration quiet_pool = 24h;      // nothing may happen for as long
constexpr Duration query_patience = 70s;  // a query ends after a minute at most

void print_line(const json& line) {
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

std::string text(const json& value, const char* key) {
  return value.is_object() && value.contains(key) && value[key].is_string()
             ? value[key].get<std::string>()
             : std::string();
}

/// Who is to answer: also a suspect has keys, and most of those are well.
std::optional<std::set<std::string>> present_members(const Query& query) {
  const auto members = fetch(query, "/members", json::value_t::array);
  if (!members) return std::nullopt;
  std::set<std::string> names;
  for (const auto& member : *members)
    if (member.at("state") == "alive" || member.at("state") == "suspect")
      names.insert(member.at("name").get<std::string>());
  return names;
}

/// What one member answered.
void print_keys(const json& line, bool good) {
  std::string shown = good ? "ok" : text(line, "message");
  for (const auto& key : line.value("keys", json::array()))
    shown += "\n  " + key.get<std::string>() + (key == line.at("primary") ? " (primary)" : "");
  std::printf("%s: %s\n", text(line, "from").c_str(), shown.c_str());
}

}  // namespace

int run_event(const Query& where, const PoolMessage& message) {
  const auto done = change(
      where, "/events",
      {{"name", message.name}, {"payload", message.payload}, {"coalesce", message.coalesce}});
  if (!done) return 1;
  (void)done->at("broadcast");
  return 0;
}

int run_query(const Query& where, const PoolMessage& message) {
  const auto body = json{{"name", message.name},
                         {"payload", message.payload},
                         {"timeout_ms", static_cast<std::int64_t>(message.timeout_s * 1000)}};
  return stream(where, "/queries", body.dump(-1, ' ', false, json::error_handler_t::replace),
                Asks::reads, query_patience, [&](const json& line) {
                  if (where.output == "json") print_line(line);
                  if (line.contains("error")) return say(text(line, "error")) == 0;
                  if (where.output == "json") return true;
                  if (line.contains("heard_by"))
                    std::printf("heard by %s, answered by %s\n", line.at("heard_by").dump().c_str(),
                                line.at("answers").dump().c_str());
                  else
                    std::printf("%s: %s\n", text(line, "from").c_str(),
                                text(line, "payload").c_str());
                  std::fflush(stdout);
                  return true;
                });
}

int run_monitor(const Query& where) {
  return stream(where, "/monitor", "", Asks::reads, quiet_pool, [&](const json& e) {
    if (where.output == "json") return print_line(e), true;
    const auto type = text(e, "type");
    if (type == "member")
      std::printf("member %s %s %s\n", text(e, "name").c_str(), text(e, "state").c_str(),
                  text(e, "gossip").c_str());
    else if (type == "event")
      std::printf("event %s %s\n", text(e, "name").c_str(), text(e, "payload").c_str());
    else if (type == "query")
      std::printf("query %s %s from %s\n", text(e, "name").c_str(), text(e, "payload").c_str(),
                  text(e, "from").c_str());
    else if (type == "shared") std::printf("shared %s\n", text(e, "name").c_str());
    else std::printf("%s events lost\n", e.value("count", json(0)).dump().c_str());
    std::fflush(stdout);
    return true;
  });
}

int run_keys(const Query& where, const std::string& action, const std::string& key) {
  // As they are before: who does not answer may be taken for dead once the query is over.
  auto silent = present_members(where);
  if (!silent) return 1;
  const bool prints_json = where.output == "json";
  std::uint64_t bad = 0;
  json sums;
  const auto code =
      stream(where, "/keys", json{{"action", action}, {"key", key}}.dump(),
             action == "list" ? Asks::reads : Asks::changes, query_patience, [&](const json& line) {
               if (line.contains("error")) return say(text(line, "error")) == 0;
               if (line.contains("heard_by")) return sums = line, true;
               silent->erase(text(line, "from"));
               const bool good = line.value("good", false);
               bad += good ? 0 : 1;
               if (prints_json) print_line(line);
               else print_keys(line, good);
               return good;
             });
  if (sums.is_null()) return code;
  sums["silent"] = *silent;
  if (prints_json) print_line(sums);
  for (const auto& name : *silent)
    if (!prints_json) std::printf("%s: no answer\n", name.c_str());
  if (!prints_json)
    std::printf("%s members answered, %llu could not; %zu did not answer\n",
                sums.value("answers", json(0)).dump().c_str(), static_cast<unsigned long long>(bad),
                silent->size());
  return silent->empty() ? code : 1;
}

}  // namespace coterie::tools
