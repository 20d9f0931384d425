#include <cstdio>
#include <nlohmann/json.hpp>

#include "coterie/transport/http_client.hpp"
#include "table.hpp"

namespace coterie::tools {
namespace {

using nlohmann::json;

constexpr Duration quiet_pool = 24h;      // nothing may happen for as long
constexpr Duration query_patience = 70s;  // a query ends after a minute at most

/// Gives each line of the answer to `show`; the exit code. What the node refuses goes to stderr.
int stream(const Query& query, const std::string& target, const std::string& body, Duration silence,
           const std::function<bool(const json&)>& show) {
  const auto address = parse_address(query.management);
  if (!address) return std::fprintf(stderr, "coterie: %s\n", address.error().detail.c_str()), 1;
  bool good = true;
  const auto done = transport::http_lines(*address, target, body, silence, [&](std::string_view l) {
    if (query.output == "json") {
      std::printf("%.*s\n", static_cast<int>(l.size()), l.data());
      std::fflush(stdout);
    }
    good = show(json::parse(l, nullptr, false)) && good;
    return true;
  });
  if (!done) return std::fprintf(stderr, "coterie: %s\n", done.error().detail.c_str()), 1;
  return good ? 0 : 1;
}

std::string text(const json& value, const char* key) {
  return value.is_object() && value.contains(key) && value[key].is_string()
             ? value[key].get<std::string>()
             : std::string();
}

}  // namespace

int run_event(const Query& where, const PoolMessage& message) {
  const auto body =
      json{{"name", message.name}, {"payload", message.payload}, {"coalesce", message.coalesce}};
  const auto address = parse_address(where.management);
  if (!address) return std::fprintf(stderr, "coterie: %s\n", address.error().detail.c_str()), 1;
  const auto sent = transport::http_lines(*address, "/events",
                                          body.dump(-1, ' ', false, json::error_handler_t::replace),
                                          5s, [](std::string_view) { return true; });
  if (!sent) return std::fprintf(stderr, "coterie: %s\n", sent.error().detail.c_str()), 1;
  return 0;
}

int run_query(const Query& where, const PoolMessage& message) {
  const auto body = json{{"name", message.name},
                         {"payload", message.payload},
                         {"timeout_ms", static_cast<std::int64_t>(message.timeout_s * 1000)}};
  return stream(
      where, "/queries", body.dump(-1, ' ', false, json::error_handler_t::replace), query_patience,
      [&](const json& line) {
        if (line.contains("error"))
          return std::fprintf(stderr, "coterie: %s\n", text(line, "error").c_str()), false;
        if (where.output == "json") return true;
        if (line.contains("heard_by"))
          std::printf("heard by %s, answered by %s\n", line["heard_by"].dump().c_str(),
                      line["answers"].dump().c_str());
        else std::printf("%s: %s\n", text(line, "from").c_str(), text(line, "payload").c_str());
        std::fflush(stdout);
        return true;
      });
}

int run_monitor(const Query& where) {
  return stream(where, "/monitor", "", quiet_pool, [&](const json& e) {
    if (where.output == "json") return true;
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
  std::uint64_t bad = 0, answers = 0;
  const auto code = stream(
      where, "/keys", json{{"action", action}, {"key", key}}.dump(), query_patience,
      [&](const json& line) {
        if (line.contains("error"))
          return std::fprintf(stderr, "coterie: %s\n", text(line, "error").c_str()), false;
        if (line.contains("heard_by")) return answers = line.value("answers", 0u), true;
        const bool good = line.value("good", false);
        bad += good ? 0 : 1;
        if (where.output == "json") return good;
        std::string shown = good ? "ok" : text(line, "message");
        for (const auto& k : line.value("keys", json::array()))
          shown += "\n  " + k.get<std::string>() + (k == line["primary"] ? " (primary)" : "");
        std::printf("%s: %s\n", text(line, "from").c_str(), shown.c_str());
        return good;
      });
  if (where.output != "json" && answers > 0)
    std::printf("%llu members answered, %llu could not\n", static_cast<unsigned long long>(answers),
                static_cast<unsigned long long>(bad));
  return code;
}

}  // namespace coterie::tools
