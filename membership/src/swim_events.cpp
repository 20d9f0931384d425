#include <algorithm>

#include "coterie/core/ensure.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/swim.hpp"
#include "coterie/membership/tag_filter.hpp"
#include "coterie/wire/compound.hpp"

namespace coterie::membership {

using wire::SerfType;

namespace {

constexpr std::uint8_t relay_version = 5;        // pMax from which Serf chooses a member as a relay
constexpr std::size_t max_relays_wanted = 5;     // of one query; Serf's users ask for 1 or 2
constexpr std::string_view internal = "_serf_";  // queries of Serf itself, which no service sees

Bytes user_message(ByteView body) {
  Bytes message(1 + body.size(), static_cast<std::uint8_t>(wire::MessageType::user));
  std::copy(body.begin(), body.end(), message.begin() + 1);
  return message;
}

}  // namespace

void Swim::on_user(ByteView body, Instant now, SwimEffects& out) {
  if (!config_.packet.events) return void(++counters_.unsupported);
  if (body.empty() || body.size() > max_serf_message) return void(++counters_.malformed);
  if (const auto native = wire::native_message(body)) {
    if (native->type != wire::NativeType::shared_delta || !is_native(self().meta))
      return void(++counters_.unsupported);
    if (merge_shared(native->body, out)) gossip_delta(native->body);
    return;
  }
  const auto rest = body.subspan(1);
  const auto decoded = [&](auto&& value, auto&& handler) {
    if (value) handler(*value);
    else ++counters_.malformed;
  };
  switch (static_cast<SerfType>(body[0])) {
    case SerfType::leave:
    case SerfType::join:
      if (config_.packet.serf && serf_.receive(body)) pass_on(body);
      if (serf_.should_rejoin()) say_joined();
      return;
    case SerfType::event:
      return decoded(wire::decode_serf_event(rest), [&](const wire::SerfEvent& event) {
        if (!events_.receive(event)) return;
        pass_on(body);
        on_event(event, now, out);
      });
    case SerfType::query:
      return decoded(wire::decode_serf_query(rest), [&](const wire::SerfQuery& query) {
        if (events_.receive(query)) on_query(query, body, now, out);
      });
    case SerfType::answer:
      return decoded(wire::decode_serf_answer(rest),
                     [&](const wire::SerfAnswer& answer) { on_answer(answer, out); });
    case SerfType::relay:
      return decoded(wire::decode_serf_relay(rest), [&](const wire::SerfRelay& relay) {
        if (is_member_at(relay.to)) send(relay.to, {user_message(relay.inner)}, out);
      });
    default: return void(++counters_.unsupported);
  }
}

/// Nothing is sent to strangers on somebody's word: a forged relay or query would make the whole
/// pool a cannon.
bool Swim::is_member_at(const Address& address) const {
  return address == self().gossip ||
         std::any_of(roster_.begin(), roster_.end(), [&](MemberTable::Slot slot) {
           return members_[slot].is_present() && members_[slot].gossip == address;
         });
}

/// The first copy of everything is passed on, so that the epidemic does not end here.
void Swim::pass_on(ByteView body) {
  const auto room = packet_.budget(config_.packet_bytes);
  if (1 + body.size() + wire::compound_part_overhead > room) return void(++counters_.over_limit);
  broadcasts_.push(std::to_string(++user_messages_), user_message(body),
                   gossip::BroadcastClass::user);
}

SwimEffects Swim::broadcast(std::string name, Bytes payload, bool coalesce, Instant now) {
  COTERIE_ENSURE(name.size() + payload.size() <= max_event_bytes);
  SwimEffects out;
  if (!config_.packet.events) return out;
  const wire::SerfEvent event{events_.stamp_event(), std::move(name), std::move(payload), coalesce};
  (void)events_.receive(event);  // our own need not come back
  pass_on(ByteView(wire::encode(event)).subspan(1));
  on_event(event, now, out);
  return out;
}

void Swim::on_event(const wire::SerfEvent& event, Instant, SwimEffects& out) {
  out.emplace_back(UserEvent{event.time, event.name, event.payload, event.coalesce});
}

SwimEffects Swim::query(std::uint64_t number, std::string name, Bytes payload, Duration timeout,
                        Instant now) {
  COTERIE_ENSURE(name.size() + payload.size() <= max_query_bytes);
  SwimEffects out;
  if (timeout <= Duration{0})
    timeout = config_.gossip_interval * query_timeout_mult * gossip::retransmit_limit(1, present());
  timeout = std::min(timeout, max_query_time);
  const auto id = static_cast<std::uint32_t>(random_.next());
  const auto time = events_.stamp_query();
  if (!config_.packet.events || !events_.open(number, time, id, now + timeout)) {
    out.emplace_back(QueryFinished{.query = number, .refused = true});
    return out;
  }
  const wire::SerfQuery query{.time = time,
                              .id = id,
                              .from = self().gossip,
                              .source = name_,
                              .flags = wire::query_wants_ack,
                              .timeout_ns = timeout.count(),
                              .name = std::move(name),
                              .payload = std::move(payload)};
  (void)events_.receive(query);
  on_query(query, ByteView(wire::encode(query)).subspan(1), now, out);
  return out;
}

void Swim::on_query(const wire::SerfQuery& query, ByteView body, Instant now, SwimEffects& out) {
  if ((query.flags & wire::query_no_broadcast) == 0) pass_on(body);
  if (!is_member_at(query.from) || !meant_for(query.filters, name_, self().meta)) return;
  const Duration asked{std::clamp<std::int64_t>(query.timeout_ns, 0, max_query_time.count())};
  const AskedQuery open{query, now + asked};
  if ((query.flags & wire::query_wants_ack) != 0)
    send_answer(open, {query.time, query.id, name_, wire::answer_is_ack, {}}, now, out);
  if (const auto answer = answer_about_keys(query))
    return send_answer(open, {query.time, query.id, name_, 0, *answer}, now, out);
  if (query.name.starts_with(internal)) return;
  const auto number = events_.asked(query, open.deadline);
  out.emplace_back(QueryAsked{number, query.name, query.payload, query.source, open.deadline});
}

SwimEffects Swim::answer(std::uint64_t number, Bytes payload, Instant now) {
  COTERIE_ENSURE(payload.size() <= max_answer_bytes);
  SwimEffects out;
  if (const auto asked = events_.take_asked(number, now))
    send_answer(*asked, {asked->query.time, asked->query.id, name_, 0, std::move(payload)}, now,
                out);
  return out;
}

/// Straight to the asker, and through as many others as it wants, in case the straight way is
/// lossy.
void Swim::send_answer(const AskedQuery& asked, const wire::SerfAnswer& answer, Instant now,
                       SwimEffects& out) {
  const auto& query = asked.query;
  if (query.from == self().gossip) return on_answer(answer, out);
  auto message = wire::encode(answer);
  const Bytes inner(message.begin() + 1, message.end());
  send(query.from, {std::move(message)}, out);
  const auto relays = std::min<std::size_t>(query.relay_factor, max_relays_wanted);
  for (const auto* member : random_members(relays, false, query.source, now))
    if (member->versions[1] >= relay_version)
      send(member->gossip, {wire::encode(wire::SerfRelay{query.from, query.source, inner})}, out);
}

void Swim::on_answer(const wire::SerfAnswer& answer, SwimEffects& out) {
  if (auto news = events_.answered(answer)) out.emplace_back(std::move(*news));
}

/// Serf's way to change the keys of a running pool: install, use, remove, list, each a query that
/// every member answers. Plain pools have no keys to speak of.
std::optional<Bytes> Swim::answer_about_keys(const wire::SerfQuery& query) {
  const bool list = query.name == "_serf_list-keys";
  const bool install = query.name == "_serf_install-key";
  const bool use = query.name == "_serf_use-key";
  if (!list && !install && !use && query.name != "_serf_remove-key") return std::nullopt;
  auto& keys = packet_.keys();
  wire::KeyAnswer answer;
  if (keys.empty()) {
    answer.message = "this member does not encrypt: start it with --key";
    return wire::encode(answer);
  }
  if (list) {
    answer.good = true;
    for (const auto& key : keys.keys()) answer.keys.push_back(wire::to_base64(key));
    answer.primary = wire::to_base64(keys.primary());
    return wire::encode(answer);
  }
  const auto key = wire::decode_key_request(query.payload);
  if (!key) {
    answer.message = "the request does not decode";
    return wire::encode(answer);
  }
  const auto done = install ? keys.install(*key) : use ? keys.use(*key) : keys.remove(*key);
  answer.good = done.has_value();
  if (!done) answer.message = done.error().detail;
  return wire::encode(answer);
}

void Swim::witness_events(ByteView user_state, Instant now, SwimEffects& out) {
  if (user_state.empty()) return;
  const auto state = wire::decode_serf_state(user_state);
  if (!state) return void(++counters_.malformed);
  // What was broadcast before we came is not for us; later, an exchange mends what gossip lost.
  events_.witness(*state, !std::exchange(heard_state_, true));
  for (const auto& event : state->events)
    if (events_.receive(event)) on_event(event, now, out);
}

void Swim::tick_queries(Instant now, SwimEffects& out) {
  if (events_.next_deadline() > now) return;
  for (const auto& finished : events_.expire(now)) out.emplace_back(finished);
}

}  // namespace coterie::membership
