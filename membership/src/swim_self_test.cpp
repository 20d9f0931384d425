#include <algorithm>

#include "coterie/membership/swim.hpp"

namespace coterie::membership {
namespace {

/// Probe intervals, and probes, without an answer of anybody after which a member doubts itself.
constexpr std::int64_t cut_off_intervals = 5;
constexpr std::uint32_t unanswered_to_doubt = 2;
/// For so long the pause or the silence before counts when a member hears of its own death.
constexpr Duration cause_memory = 30s;
/// Fewer others than this cannot show who is at fault.
constexpr std::size_t others_to_judge = 2;
constexpr std::size_t dead_to_ask = 12;

}  // namespace

/// The dead accuse nobody: a member that hears nothing holds everybody dead, and says so.
bool Swim::may_accuse(const std::string& accuser) const {
  if (!config_.lifeguard.self_test) return true;
  const auto* const member = members_.find(accuser);
  return member == nullptr || member->is_present();
}

/// A claim about an earlier life, or one that nobody can judge, or whose cause was a pause of our
/// own that is over: no reason to ask who is at fault.
bool Swim::refutes_at_once(std::uint32_t incarnation, Instant now) const {
  const bool paused = paused_at_ != never && now - paused_at_ <= cause_memory;
  return !config_.lifeguard.self_test || incarnation > self().incarnation.value || paused ||
         judges() < others_to_judge;
}

/// Members who could say whose fault it is: those who left do not answer.
std::size_t Swim::judges() const {
  return static_cast<std::size_t>(std::count_if(
      roster_.begin(), roster_.end(),
      [&](MemberTable::Slot slot) { return members_[slot].state != MemberState::left; }));
}

void Swim::on_accused(const wire::Suspect& claim, Instant now, SwimEffects& out) {
  accused_of_ = std::max(accused_of_, claim.incarnation);
  accused_at_ = now;
  if (!self_test_.in_office()) return self_test_.condemn();
  const bool again = claim.from != name_ && self_test_.accused(claim.from, now);
  if (!again || refutes_at_once(claim.incarnation, now)) refute(claim.incarnation, out);
  else defend(now);
}

/// We are dead to others, so they could not reach us for long: one test says whose fault it is.
void Swim::on_declared_dead(std::uint32_t incarnation, Instant now, SwimEffects& out) {
  accused_of_ = std::max(accused_of_, incarnation);
  accused_at_ = now;
  if (!self_test_.in_office()) return self_test_.condemn();
  if (refutes_at_once(incarnation, now)) return refute(incarnation, out);
  defend(now);
}

void Swim::defend(Instant now) {
  defends_itself_ = true;
  self_test_.doubt(now);
}

void Swim::step_down(Instant now, SwimEffects& out) {
  // Whatever we refuted since anybody answered us may have reached nobody.
  const bool condemned = accused_at_ != never && accused_at_ >= answered_at_;
  self_test_.step_down(std::exchange(defends_itself_, false) || condemned, now);
  broadcasts_.withdraw(name_);  // a refutation
  ++counters_.step_downs;
  out.emplace_back(LogEvent{LogLevel::error,
                            "few of this member's pings come back: its own network is at fault, or "
                            "all others are gone; it steps down until it is well, for " +
                                std::to_string(self_test_.sentence() / 1s) +
                                " s if others held it dead"});
}

/// Nobody answers us, by whatever way: whether it is they or we, pings of many at once tell sooner
/// than one probe after the other, which ill health makes slow.
void Swim::probe_unanswered(Instant now) {
  if (++unanswered_ < unanswered_to_doubt || !config_.lifeguard.self_test ||
      judges() < others_to_judge || now - answered_at_ < config_.probe_interval * cut_off_intervals)
    return;
  self_test_.doubt(now);
}

/// Who holds everybody dead asks the dead, those first who died last: perhaps they never did.
std::vector<const Member*> Swim::whom_to_ask(Instant now) {
  auto asked = random_members(self_test_pings, false, name_, now);
  if (!asked.empty()) return asked;
  for (const auto slot : roster_)
    if (members_[slot].state != MemberState::left) asked.push_back(&members_[slot]);
  std::sort(asked.begin(), asked.end(),
            [](const Member* a, const Member* b) { return a->changed > b->changed; });
  if (asked.size() > dead_to_ask) asked.resize(dead_to_ask);
  return asked;
}

void Swim::tick_self_test(Instant now, SwimEffects& out) {
  if (leaving_) return self_test_.cancel();  // a leave is not refuted
  switch (self_test_.judge(now)) {
    case SelfTest::Verdict::step_down: step_down(now, out); break;
    case SelfTest::Verdict::come_back:
      out.emplace_back(LogEvent{LogLevel::info, "this member is well again and comes back"});
      refute(std::max(accused_of_, self().incarnation.value), out);
      settle(now);  // it may hold others dead that never were
      break;
    case SelfTest::Verdict::well:
      if (std::exchange(defends_itself_, false))
        refute(std::max(accused_of_, self().incarnation.value), out);
      break;
    case SelfTest::Verdict::inquire:
      for (const auto* member : random_members(1, false, name_, now))
        send_state(StreamKind::push_pull, member->gossip, now, out);
      break;
    case SelfTest::Verdict::none: break;
  }
  if (!self_test_.wants_round(now) || roster_.empty()) return;
  const auto asked = whom_to_ask(now);
  if (asked.empty()) {  // there is nobody whose word counts
    if (std::exchange(defends_itself_, false))
      refute(std::max(accused_of_, self().incarnation.value), out);
    return self_test_.put_off(now);
  }
  const auto time = std::min(health_.scale(config_.probe_timeout), config_.probe_timeout * 4);
  self_test_.begin(sequence_ + 1, asked.size(), now + time);
  for (std::uint32_t i = 0; i < self_test_pings; ++i) {
    const auto& member = *asked[i % asked.size()];
    send(member.gossip, {wire::encode(wire::Ping{++sequence_, member.name, source()})}, out);
  }
}

}  // namespace coterie::membership
