#include <algorithm>

#include "coterie/membership/swim.hpp"

namespace coterie::membership {

SwimEffects Swim::join(std::vector<Address> seeds, Instant now) {
  seeds_ = std::move(seeds);
  joined_ = false;
  join_pause_ = config_.join_retry_min;
  next_join_ = seeds_.empty() ? never : now;
  if (seeds_.empty()) told_shared_ = true;  // there is nobody to ask
  SwimEffects out;
  tick_join(now, out);
  return out;
}

SwimEffects Swim::set_seeds(std::vector<Address> seeds, Instant now) {
  if (!joined_) return join(std::move(seeds), now);
  seeds_ = std::move(seeds);
  return {};
}

void Swim::tick_join(Instant now, SwimEffects& out) {
  if (now < next_join_ || leaving_) return;
  if (joined_ || seeds_.empty()) {
    next_join_ = never;
    return;
  }
  for (const auto& seed : seeds_)
    if (seed != self().gossip) send_state(StreamKind::join, seed, now, out);
  next_join_ = now + join_pause_ + random_.below(join_pause_ / 4);
  join_pause_ = std::min(join_pause_ * 2, config_.join_retry_max);
}

bool Swim::is_joining() const {
  return std::ranges::any_of(
      streams_, [](const auto& stream) { return stream.second.kind == StreamKind::join; });
}

/// We found the pool: what goes on is told early and often.
void Swim::settle(Instant now) {
  settling_ = 1;
  next_push_pull_ = now + settle_pause / 2 + random_.below(settle_pause);
}

/// After a split both sides hold each other dead and would never speak again. As in Serf, a random
/// dead member is tried now and then, the more likely the more are dead; what we believe of it goes
/// along, so that it can refute.
void Swim::tick_reconnect(Instant now, SwimEffects& out) {
  if (now < next_reconnect_) return;
  next_reconnect_ = now + config_.reconnect_interval;
  if (leaving_) return;
  const auto gone = static_cast<double>(members_.size() - present_);
  const auto share = gone / static_cast<double>(present_);
  if (gone == 0 || !random_.chance(std::min(1.0, std::max(share, 0.1)))) return;
  std::vector<const Member*> dead;
  for (const auto slot : roster_)
    if (members_[slot].state == MemberState::dead) dead.push_back(&members_[slot]);
  if (dead.empty()) return;
  const auto& target = *dead[random_.below(std::uint64_t{dead.size()})];
  send_state(StreamKind::push_pull, target.gossip, now, out);
}

}  // namespace coterie::membership
