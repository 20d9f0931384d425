#include <algorithm>

#include "coterie/membership/swim.hpp"

namespace coterie::membership {
namespace {

constexpr std::size_t jurors = 5;             // asked beyond the helpers of the probe
constexpr std::uint32_t verdict_missing = 1;  // so many of them may stay silent
/// In scaled probe intervals: the time to refute once a jury found the accused silent. The
/// suspicion was gossiped when it began, so the accused hears of it in a fraction of that.
constexpr std::int64_t convicted_halves = 3;

}  // namespace

/// A probe failed, and every helper said that it failed too. Lifeguard would wait for other members
/// to come upon the accused in their own turn; we ask five more at once, with the same indirect
/// pings, so this works in every pool. Only what they positively deny shortens the suspicion: a
/// member that is itself ill hears no nacks, and keeps Lifeguard's time.
void Swim::summon_jury(const Probe& probe, Instant now, SwimEffects& out) {
  if (!config_.lifeguard.jury || hearing_) return;
  if (probe.nacks < config_.indirect_checks || !suspicions_.contains(probe.target)) return;
  const auto target = members_.at(probe.target).gossip;
  Hearing hearing{
      .target = probe.target, .sequence = ++sequence_, .ends_at = now + config_.probe_timeout};
  for (const auto* juror : random_members(jurors, false, probe.target, now)) {
    ++hearing.jurors;
    send(juror->gossip,
         {wire::encode(wire::IndirectPing{hearing.sequence, target, probe.target, true, source()})},
         out);
  }
  if (hearing.jurors == jurors) hearing_ = std::move(hearing);
}

/// It lives: the refutation is on its way.
bool Swim::hear_ack(std::uint32_t sequence) {
  if (!hearing_ || hearing_->sequence != sequence) return false;
  hearing_.reset();
  return true;
}

bool Swim::hear_nack(std::uint32_t sequence) {
  if (!hearing_ || hearing_->sequence != sequence) return false;
  if (++hearing_->nacks + verdict_missing < hearing_->jurors) return true;
  if (const auto found = suspicions_.find(hearing_->target); found != suspicions_.end())
    found->second.suspicion.convict(suspicion_timeout(config_, present()) * convicted_halves /
                                    (2 * config_.suspicion_mult));
  hearing_.reset();
  return true;
}

}  // namespace coterie::membership
