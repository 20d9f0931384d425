#include "coterie/membership/event_layer.hpp"

#include <algorithm>

#include "coterie/core/hash.hpp"

namespace coterie::membership {
namespace {

/// A hostile clock must not run ours out of numbers.
constexpr std::uint64_t last_time = UINT64_MAX / 2;

/// Moves `clock` past `time`; false if `time` is too old to be told from a repetition.
bool witness_time(std::uint64_t& clock, std::uint64_t time) {
  if (time == 0 || time >= last_time) return false;
  clock = std::max(clock, time + 1);
  return time + serf_memory >= clock;
}

}  // namespace

bool EventLayer::receive(const wire::SerfEvent& event) {
  if (!witness_time(event_time_, event.time) || event.time < first_event_) return false;
  TraceHash hash;
  hash.add(event.time);
  hash.add(event.name);
  hash.add(event.payload);
  return events_.is_new(hash.value());
}

bool EventLayer::receive(const wire::SerfQuery& query) {
  if (!witness_time(query_time_, query.time)) return false;
  TraceHash hash;
  hash.add(query.time);
  hash.add(query.id);
  return queries_.is_new(hash.value());
}

void EventLayer::witness(const wire::SerfState& state, bool joining) {
  if (state.event_time > 1) (void)witness_time(event_time_, state.event_time - 1);
  if (state.query_time > 1) (void)witness_time(query_time_, state.query_time - 1);
  if (joining) first_event_ = event_time_;
}

bool EventLayer::open(std::uint64_t query, std::uint64_t time, std::uint32_t id, Instant deadline) {
  if (open_.size() >= max_open_queries) return false;
  open_[{time, id}] = Open{.query = query, .deadline = deadline};
  return true;
}

std::uint64_t EventLayer::asked(const wire::SerfQuery& query, Instant deadline) {
  if (asked_.size() >= max_asked_queries)
    asked_.erase(std::min_element(asked_.begin(), asked_.end(), [](const auto& a, const auto& b) {
      return a.second.deadline < b.second.deadline;
    }));
  auto kept = query;
  kept.payload.clear();
  asked_[next_asked_] = {std::move(kept), deadline};
  return next_asked_++;
}

std::optional<AskedQuery> EventLayer::take_asked(std::uint64_t query, Instant now) {
  const auto found = asked_.extract(query);
  if (found.empty() || found.mapped().deadline <= now) return std::nullopt;
  return found.mapped();
}

std::optional<QueryAnswer> EventLayer::answered(const wire::SerfAnswer& answer) {
  const auto found = open_.find({answer.time, answer.id});
  if (found == open_.end()) return std::nullopt;
  auto& open = found->second;
  const bool ack = (answer.flags & wire::answer_is_ack) != 0;
  auto& names = ack ? open.acked : open.answered;
  if (names.size() >= max_answerers || !names.insert(answer.from).second || ack)
    return std::nullopt;
  return QueryAnswer{open.query, answer.from, answer.payload};
}

std::vector<QueryFinished> EventLayer::expire(Instant now) {
  std::vector<QueryFinished> finished;
  std::erase_if(open_, [&](const auto& entry) {
    const auto& open = entry.second;
    if (open.deadline > now) return false;
    finished.push_back({open.query, open.acked.size(), open.answered.size()});
    return true;
  });
  std::erase_if(asked_, [&](const auto& entry) { return entry.second.deadline <= now; });
  return finished;
}

Instant EventLayer::next_deadline() const {
  auto at = never;
  for (const auto& [key, open] : open_) at = earliest(at, open.deadline);
  for (const auto& [query, asked] : asked_) at = earliest(at, asked.deadline);
  return at;
}

}  // namespace coterie::membership
