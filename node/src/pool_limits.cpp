#include "pool_bridge.hpp"
#include "settings.hpp"

namespace coterie {
namespace {

std::optional<Error> no_user_messages(const Config& config) {
  if (config.pool != "memberlist") return std::nullopt;
  return error(Errc::configuration,
               "a bare memberlist pool has no events and queries; --pool native or serf has");
}

}  // namespace

std::optional<Error> check_event(const Config& config, const std::string& name,
                                 const std::string& payload) {
  if (name.size() + payload.size() > max_broadcast)
    return error(Errc::message_too_large, "an event's name and payload have at most " +
                                              std::to_string(max_broadcast) + " bytes");
  return no_user_messages(config);
}

std::optional<Error> check_query(const Config& config, const std::string& name,
                                 const std::string& payload) {
  if (name.size() + payload.size() > max_query)
    return error(Errc::message_too_large,
                 "a query's name and payload have at most " + std::to_string(max_query) + " bytes");
  return no_user_messages(config);
}

std::optional<Error> check_answer(const Config& config, const std::string& payload) {
  if (payload.size() > max_answer)
    return error(Errc::message_too_large,
                 "an answer has at most " + std::to_string(max_answer) + " bytes");
  return no_user_messages(config);
}

std::optional<Error> check_native(const Config& config) {
  if (config.pool == "native") return std::nullopt;
  return error(Errc::configuration, "only members of a native pool share state: --pool native");
}

std::optional<Error> check_metadata(const Config& config, const std::string& metadata) {
  if (metadata.size() > max_metadata)
    return error(Errc::message_too_large,
                 "metadata has at most " + std::to_string(max_metadata) + " bytes");
  if (config.pool == "native") return std::nullopt;
  return error(Errc::configuration,
               "only members of a native pool fetch metadata; in a Serf pool use --tag");
}

QueryWaiter collect_answers(std::function<void(Result<QueryResult>)> done) {
  auto result = std::make_shared<QueryResult>();
  return {.each = [result](QueryReply reply) { result->answers.push_back(std::move(reply)); },
          .done =
              [result, done = std::move(done)](const membership::QueryFinished& finished) {
                if (finished.refused)
                  return done(error(Errc::busy, "too many queries are open, or the node stopped",
                                    Duration{1s}));
                result->heard_by = finished.heard_by;
                done(std::move(*result));
              }};
}

}  // namespace coterie
