#include "api.hpp"

#include <nlohmann/json.hpp>
#include <optional>

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto deadline = 5s;
constexpr std::size_t max_account_id = 255;

/// An account id is whatever the path holds, and need not be UTF-8.
std::string text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Response bad(unsigned status, const std::string& why) { return {status, text({{"error", why}})}; }

/// One HTTP status for what the caller should do next.
Response failure(const coterie::Error& problem) {
  using coterie::Errc;
  const auto retry = [&](unsigned status) {
    auto response = bad(status, problem.detail);
    response.retry_after_s = 1;
    return response;
  };
  if (problem.is(Errc::refused)) return bad(409, problem.detail);
  if (problem.is(Errc::message_too_large)) return bad(413, problem.detail);
  if (problem.is(Errc::malformed) || problem.is(Errc::unknown_entity_type))
    return bad(400, problem.detail);
  if (problem.is(Errc::deadline_exceeded) || problem.is(Errc::expired))
    return bad(504, problem.detail);
  if (problem.is(Errc::command_expired)) return bad(410, problem.detail);
  if (problem.is(Errc::fault)) return bad(500, problem.detail);
  return retry(503);  // unavailable, busy, storage: try again with the same id
}

struct Money {
  std::int64_t cents;
  std::string command_id;
};

std::optional<Money> parse_money(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("cents") || !parsed.contains("id"))
    return std::nullopt;
  const auto& cents = parsed["cents"];
  const auto& id = parsed["id"];
  const bool fits = cents.is_number_integer() &&
                    (!cents.is_number_unsigned() || cents.get<std::uint64_t>() <= INT64_MAX);
  if (!fits || !id.is_string() || id.get_ref<const std::string&>().empty()) return std::nullopt;
  const auto amount = cents.get<std::int64_t>();
  if (amount <= 0) return std::nullopt;
  return Money{amount, id};
}

auto answer_with(std::string id, Respond respond) {
  return [id = std::move(id), respond = std::move(respond)](
             const coterie::Result<coterie::Reply<std::int64_t>>& reply) {
    if (!reply) return respond(failure(reply.error()));
    respond(
        {200,
         text({{"id", id}, {"balance_cents", reply->value}, {"sequence", reply->sequence.value}})});
  };
}

template <class Command>
void ask_money(const coterie::EntityRef<Account>& account, const std::string& verb,
               const Request& request, Respond respond) {
  const auto money = parse_money(request.body);
  if (!money) return respond(bad(400, R"(the body must be {"cents": n > 0, "id": "command id"})"));
  // Scoped by verb: a deposit and a withdrawal may carry one id.
  const auto command_id = verb + "/" + money->command_id;
  account.ask(Command{money->cents}, {.deadline = deadline, .command_id = command_id})
      .then(answer_with(account.id(), std::move(respond)));
}

}  // namespace

Route ledger_api(coterie::Entities<Account> accounts) {
  return [accounts](const Request& request, Respond respond) {
    static const std::string prefix = "/accounts/";
    if (!request.path.starts_with(prefix))
      return respond(bad(404, "unknown path: /accounts/{id}[/deposit|/withdraw]"));
    const auto rest = request.path.substr(prefix.size());
    const auto slash = rest.find('/');
    const auto id = rest.substr(0, slash);
    const auto verb = slash == std::string::npos ? "" : rest.substr(slash + 1);
    if (id.empty()) return respond(bad(400, "the account id is empty"));
    if (id.size() > max_account_id) return respond(bad(413, "an account id has at most 255 bytes"));
    const auto account = accounts.ref(id);
    if (verb.empty() && request.method == "GET")
      return account.ask(Account::Balance{}, {.deadline = deadline})
          .then(answer_with(id, std::move(respond)));
    if (verb == "deposit" && request.method == "POST")
      return ask_money<Account::Deposit>(account, verb, request, std::move(respond));
    if (verb == "withdraw" && request.method == "POST")
      return ask_money<Account::Withdraw>(account, verb, request, std::move(respond));
    const bool known = verb.empty() || verb == "deposit" || verb == "withdraw";
    respond(known ? bad(405, "GET an account, POST a deposit or a withdraw")
                  : bad(404, "unknown path"));
  };
}
