#include "coterie/membership/swim.hpp"

namespace coterie::membership {
namespace {

// pMax from which a member understands; memberlist wire protocol, section 11.1.
constexpr std::uint8_t tcp_ping_version = 3;
constexpr std::uint8_t nack_version = 4;
/// However quick a peer was, a probe waits a part of the configured time-out: processes stop for
/// tens of milliseconds for reasons of their own.
constexpr std::int64_t quickest_probe = 5;

}  // namespace

void Swim::tick_probe(Instant now, SwimEffects& out) {
  if (probe_) {
    if (!probe_->acked && !probe_->asked_helpers && now >= probe_->indirect_at)
      ask_helpers(now, out);
    if (probe_->acked || now >= probe_->ends_at) finish_probe(now, out);
  }
  if (!probe_ && now >= next_probe_) start_probe(now, out);
  if (hearing_ && now >= hearing_->ends_at) hearing_.reset();
}

void Swim::start_probe(Instant now, SwimEffects& out) {
  if (roster_.empty()) answered_at_ = now;  // there is nobody whose silence could mean something
  next_probe_ = std::max(next_probe_ + config_.probe_interval, now);  // missed ticks are skipped
  const auto slot = order_.next(
      random_, [&](MemberTable::Slot candidate) { return members_[candidate].is_present(); });
  if (!slot) return;
  const auto& member = members_[*slot];
  ++counters_.probes;
  // LHA-Probe: in ill health both the time-out and the period are longer.
  const auto scaled = [&](Duration span) {
    return config_.lifeguard.probe ? health_.scale(span) : span;
  };
  auto& phi = phis_[*slot];
  phi.asked(now);
  anybody_.asked(now);
  probe_ = Probe{.target = member.name,
                 .sequence = ++sequence_,
                 .to = member.gossip,
                 .indirect_at = now + scaled(patience(phi)),
                 .ends_at = now + scaled(config_.probe_interval)};
  std::vector<Bytes> messages{wire::encode(wire::Ping{probe_->sequence, member.name, source()})};
  // Buddy system: tell a suspect about the suspicion, so that it can refute at once.
  if (config_.lifeguard.buddy && member.state == MemberState::suspect)
    messages.push_back(wire::encode(wire::Suspect{member.incarnation.value, member.name, name_}));
  probe_->bytes = send(member.gossip, std::move(messages), out);
}

/// How long a probe waits for a direct answer. A pool of mixed distances has a wide fit, so that a
/// stranger gets the time that the farthest one needs.
Duration Swim::patience(const PhiDetector& peer) const {
  if (!config_.lifeguard.phi) return config_.probe_timeout;
  const auto least = config_.probe_timeout / quickest_probe;
  const auto most = config_.probe_interval * 4 / 5;
  return peer.timeout(anybody_.timeout(config_.probe_timeout, least, most), least, most);
}

void Swim::ask_helpers(Instant now, SwimEffects& out) {
  probe_->asked_helpers = true;
  const auto* const found = members_.find(probe_->target);
  if (found == nullptr) return;
  const auto target = found->gossip;
  for (const auto* helper : random_members(config_.indirect_checks, false, probe_->target, now)) {
    const bool nack = helper->versions[1] >= nack_version;
    probe_->nacks_expected += nack ? 1 : 0;
    send(helper->gossip,
         {wire::encode(
             wire::IndirectPing{probe_->sequence, target, probe_->target, nack, source()})},
         out);
  }
  if (found->versions[1] < tcp_ping_version) return;
  probe_->stream =
      open_stream(StreamKind::tcp_ping, target,
                  wire::encode(wire::Ping{probe_->sequence, probe_->target, source()}), now, out);
}

void Swim::finish_probe(Instant now, SwimEffects& out) {
  const auto probe = *probe_;
  probe_.reset();
  if (probe.stream != ConnId{}) end_stream(probe.stream, out);
  judge_health(probe);
  if (probe.acked) return;
  ++counters_.probe_failures;
  probe_unanswered(now);
  if (const auto phi = phis_.find(members_.slot(probe.target)); phi != phis_.end())
    phi->second.missed();
  const auto* const found = members_.find(probe.target);
  // A suspect too: our own failed probe is an independent accuser.
  if (found == nullptr || !found->is_present()) return;
  on_suspect(wire::Suspect{found->incarnation.value, probe.target, name_}, now, out);
  summon_jury(probe, now, out);
}

void Swim::probe_answered(Instant now, bool directly) {
  if (std::exchange(probe_->acked, true)) return;
  answered_at_ = now;
  if (directly) paths_.arrived(probe_->to, probe_->bytes);
  else paths_.lost(probe_->to, probe_->bytes, now);
  unanswered_ = 0;
  const auto phi = phis_.find(members_.slot(probe_->target));
  if (phi == phis_.end()) return;
  if (directly) anybody_.answered(now);
  if (directly) phi->second.answered(now);
  else phi->second.heard();
}

void Swim::beat(const std::string& name, Instant now) {
  const auto slot = members_.slot(name);
  if (slot != MemberTable::none && members_[slot].is_present() && name != name_)
    phis_[slot].beat(now);
}

void Swim::beats_ended(const std::string& name) {
  if (const auto found = phis_.find(members_.slot(name)); found != phis_.end())
    found->second.beats_ended();
}

double Swim::phi(const std::string& name, Instant now) const {
  const auto found = phis_.find(members_.slot(name));
  return found == phis_.end() ? 0 : found->second.phi(now);
}

/// Once every helper gave the target up, waiting for the end of the period tells nothing more: the
/// stream that was opened with them had as long as they had.
void Swim::handle_nack(const wire::Nack& nack, Instant now) {
  if (hear_nack(nack.sequence)) return;
  if (!probe_ || probe_->sequence != nack.sequence || probe_->nacks >= probe_->nacks_expected)
    return;
  if (++probe_->nacks == probe_->nacks_expected && probe_->nacks >= config_.indirect_checks &&
      config_.lifeguard.phi)
    probe_->ends_at = earliest(probe_->ends_at, now);
}

/// Helpers that cannot reach the target say so; those that say nothing hint that we are the one who
/// does not hear.
void Swim::judge_health(const Probe& probe) {
  if (probe.acked) return health_.add(-1);
  health_.add(probe.nacks_expected > 0 ? static_cast<int>(probe.nacks_expected - probe.nacks) : 1);
}

void Swim::tick_relays(Instant now, SwimEffects& out) {
  for (auto it = relays_.begin(); it != relays_.end();) {
    auto& relay = it->second;
    if (relay.nack_at <= now) {
      relay.nack_at = never;
      send(relay.requester, {wire::encode(wire::Nack{relay.requester_sequence})}, out);
    }
    if (relay.expires <= now) it = relays_.erase(it);
    else ++it;
  }
}

}  // namespace coterie::membership
