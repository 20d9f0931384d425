#include "coterie/membership/swim.hpp"

namespace coterie::membership {

void Swim::tick_probe(Instant now, SwimEffects& out) {
  if (probe_) {
    if (!probe_->acked && !probe_->asked_helpers && now >= probe_->indirect_at)
      ask_helpers(now, out);
    if (probe_->acked || now >= probe_->ends_at) finish_probe(now, out);
  }
  if (!probe_ && now >= next_probe_) start_probe(now, out);
}

void Swim::start_probe(Instant now, SwimEffects& out) {
  next_probe_ = std::max(next_probe_ + config_.probe_interval, now);  // missed ticks are skipped
  const auto target = order_.next(random_, [&](const std::string& name) {
    const auto found = members_.find(name);
    return found != members_.end() && name != name_ && found->second.is_present();
  });
  if (!target) return;
  const auto& member = members_.at(*target);
  ++counters_.probes;
  probe_ = Probe{.target = *target,
                 .sequence = ++sequence_,
                 .indirect_at = now + config_.probe_timeout,
                 .ends_at = now + config_.probe_interval};
  std::vector<Bytes> messages{wire::encode(wire::Ping{probe_->sequence, *target, source()})};
  // Buddy system: tell a suspect about the suspicion, so that it can refute at once.
  if (member.state == MemberState::suspect)
    messages.push_back(wire::encode(wire::Suspect{member.incarnation.value, *target, name_}));
  send(member.gossip, std::move(messages), out);
}

void Swim::ask_helpers(Instant now, SwimEffects& out) {
  probe_->asked_helpers = true;
  const auto found = members_.find(probe_->target);
  if (found == members_.end()) return;
  const auto target = found->second.gossip;
  for (const auto* helper : random_members(config_.indirect_checks, false, probe_->target, now)) {
    send(helper->gossip,
         {wire::encode(
             wire::IndirectPing{probe_->sequence, target, probe_->target, true, source()})},
         out);
  }
  probe_->stream =
      open_stream(StreamKind::tcp_ping, target,
                  wire::encode(wire::Ping{probe_->sequence, probe_->target, source()}), now, out);
}

void Swim::finish_probe(Instant now, SwimEffects& out) {
  const auto probe = *probe_;
  probe_.reset();
  if (probe.stream != ConnId{}) end_stream(probe.stream, out);
  if (probe.acked) return;
  ++counters_.probe_failures;
  const auto found = members_.find(probe.target);
  if (found == members_.end() || found->second.state != MemberState::alive) return;
  on_suspect(wire::Suspect{found->second.incarnation.value, probe.target, name_}, now, out);
}

void Swim::tick_relays(Instant now, SwimEffects& out) {
  for (auto it = relays_.begin(); it != relays_.end();) {
    if (it->second.expires > now) {
      ++it;
      continue;
    }
    const auto relay = it->second;
    it = relays_.erase(it);
    if (relay.nack)
      send(relay.requester, {wire::encode(wire::Nack{relay.requester_sequence})}, out);
  }
}

}  // namespace coterie::membership
