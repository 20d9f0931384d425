#include "pool_management.hpp"

#include "coterie/wire/keyring.hpp"
#include "coterie/wire/serf_messages.hpp"
#include "json_answer.hpp"

namespace coterie {
namespace {

using nlohmann::json;
using transport::HttpRequest;
using transport::HttpResponse;
using transport::HttpStream;

constexpr std::int64_t max_timeout_ms = 60'000;

std::string line(const json& value) { return json_text(value) + "\n"; }

json to_json(const MemberView& m) {
  return {{"type", "member"},
          {"name", m.name},
          {"gossip", m.gossip},
          {"state", m.state},
          {"incarnation", m.incarnation},
          {"tags", m.tags}};
}

json to_json(const PoolEvent& event) {
  return std::visit(
      [](const auto& e) -> json {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, MemberEvent>) return to_json(e.member);
        else if constexpr (std::is_same_v<E, BroadcastEvent>)
          return {{"type", "event"}, {"name", e.name}, {"payload", e.payload}, {"time", e.time}};
        else if constexpr (std::is_same_v<E, QueryEvent>)
          return {{"type", "query"}, {"name", e.name}, {"payload", e.payload}, {"from", e.from}};
        else if constexpr (std::is_same_v<E, SharedEvent>)
          return {{"type", "shared"}, {"name", e.name}};
        else return {{"type", "lost"}, {"count", e.count}};
      },
      event);
}

HttpResponse monitor(const PoolActions& actions) {
  return {.content_type = "application/x-ndjson",
          .stream = [&bridge = actions.bridge](const std::shared_ptr<HttpStream>& stream) {
            bridge.watch([stream](const PoolEvent* event) {
              if (event != nullptr) return stream->write(line(to_json(*event)));
              stream->end();
              return false;
            });
          }};
}

HttpResponse event(const json& body, const PoolActions& actions) {
  const auto name = body.value("name", "");
  const auto payload = body.value("payload", "");
  if (name.empty()) return problem(400, "an event has a \"name\"");
  if (name.size() + payload.size() > max_broadcast)
    return problem(413, "name and payload have more than " + std::to_string(max_broadcast) +
                            " bytes: send a reference to the data instead");
  actions.broadcast(name, to_bytes(view(payload)), body.value("coalesce", false));
  return answer({{"broadcast", name}});
}

/// Each answer as a line as it comes, then a line with the sums.
HttpResponse ask(const PoolActions& actions, const std::string& name, const Bytes& payload,
                 Duration timeout, std::function<json(const QueryReply&)> show) {
  return {
      .content_type = "application/x-ndjson",
      .stream = [&actions, name, payload, timeout,
                 show = std::move(show)](const std::shared_ptr<HttpStream>& stream) {
        const auto query = actions.bridge.expect(
            {.each = [stream,
                      show](const QueryReply& reply) { (void)stream->write(line(show(reply))); },
             .done =
                 [stream](const membership::QueryFinished& finished) {
                   (void)stream->write(line(
                       finished.refused
                           ? json{{"error", "the query was not asked: too many are open"}}
                           : json{{"heard_by", finished.heard_by}, {"answers", finished.answers}}));
                   stream->end();
                 }});
        actions.query(query, name, payload, timeout);
      }};
}

HttpResponse query(const json& body, const PoolActions& actions) {
  const auto name = body.value("name", "");
  const auto payload = body.value("payload", "");
  const auto timeout = body.value("timeout_ms", std::int64_t{0});
  if (name.empty()) return problem(400, "a query has a \"name\"");
  if (timeout < 0 || timeout > max_timeout_ms)
    return problem(400, "\"timeout_ms\" is 0 (the default) to " + std::to_string(max_timeout_ms));
  if (name.size() + payload.size() > max_query)
    return problem(413, "name and payload have more than " + std::to_string(max_query) + " bytes");
  return ask(actions, name, to_bytes(view(payload)), std::chrono::milliseconds(timeout),
             [](const QueryReply& reply) {
               return json{{"from", reply.from}, {"payload", reply.payload}};
             });
}

HttpResponse keys(const json& body, const PoolActions& actions) {
  const auto action = body.value("action", "");
  if (action != "list" && action != "install" && action != "use" && action != "remove")
    return problem(400, "\"action\" is list, install, use or remove");
  Bytes payload;
  if (action != "list") {
    const auto key = wire::key_from_base64(body.value("key", ""));
    if (!key) return problem(400, key.error().detail);
    payload = wire::encode_key_request(*key);
  }
  const auto name = "_serf_" + action + (action == "list" ? "-keys" : "-key");
  return ask(actions, name, payload, Duration{0}, [](const QueryReply& reply) {
    const auto answer = wire::decode_key_answer(view(reply.payload));
    if (!answer) return json{{"from", reply.from}, {"good", false}, {"message", "no key answer"}};
    return json{{"from", reply.from},
                {"good", answer->good},
                {"message", answer->message},
                {"keys", answer->keys},
                {"primary", answer->primary}};
  });
}

}  // namespace

std::optional<HttpResponse> answer_pool(const HttpRequest& request, const PoolActions& actions) {
  const auto target = request.target.substr(0, request.target.find('?'));
  const bool reads = target == "/monitor";
  if (!reads && target != "/events" && target != "/queries" && target != "/keys")
    return std::nullopt;
  if (reads && request.method == "GET") return monitor(actions);
  if (reads) return problem(405, "only GET is offered here");
  if (request.method != "POST") return problem(405, "only POST is offered here");
  if (!request.own)
    return problem(403, "this changes the pool: send the header " +
                            std::string(transport::own_header) + ": 1");
  if (!actions.offered)
    return problem(409,
                   "a bare memberlist pool has no events and queries; --pool native or serf has");
  const auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return problem(400, "the body is no JSON object");
  try {
    if (target == "/events") return event(body, actions);
    return target == "/queries" ? query(body, actions) : keys(body, actions);
  } catch (const json::type_error&) {
    return problem(400, "a field of the body has the wrong type");
  }
}

}  // namespace coterie
