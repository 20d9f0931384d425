#include "coterie/membership/swim.hpp"
#include "coterie/wire/compound.hpp"

namespace coterie::membership {
namespace {

// No member's name: those have at most 255 bytes.
const std::string leave_subject(256, 'l');
const std::string join_subject(256, 'j');
constexpr std::uint8_t crc_version = 5;  // pMax from which a member checks checksums

}  // namespace

std::vector<const Member*> Swim::random_members(std::size_t count, bool with_recent_dead,
                                                std::string_view except, Instant now) {
  std::vector<const Member*> chosen;
  // Fisher and Yates, stopped early: the roster stays a permutation, so its order costs nothing.
  for (std::size_t i = 0; i < roster_.size() && chosen.size() < count; ++i) {
    std::swap(roster_[i], roster_[i + random_.below(std::uint64_t{roster_.size() - i})]);
    const auto& member = members_[roster_[i]];
    if (member.name == except) continue;
    const bool recent_dead = with_recent_dead && member.state == MemberState::dead &&
                             now - member.changed <= config_.gossip_to_the_dead;
    const bool wanted =
        with_recent_dead ? member.is_present() || recent_dead : member.state == MemberState::alive;
    if (wanted) chosen.push_back(&member);
  }
  return chosen;
}

void Swim::tick_gossip(Instant now, SwimEffects& out) {
  // News after a silence leaves at once; what follows it keeps to the interval.
  if (now < next_gossip_ || broadcasts_.empty()) return;
  next_gossip_ = now + config_.gossip_interval;
  for (const auto* member : random_members(config_.gossip_nodes, true, name_, now)) {
    auto messages = broadcasts_.take(packet_.budget(paths_.bytes(member->gossip, now)),
                                     wire::compound_part_overhead, present());
    if (messages.size() > wire::max_compound_parts) messages.resize(wire::max_compound_parts);
    if (messages.empty()) return;
    post(member->gossip, messages, member->versions[1] >= crc_version, out);
  }
}

void Swim::say_joined() { broadcasts_.push(join_subject, serf_.join_intent()); }

SwimEffects Swim::leave(Instant now) {
  SwimEffects out;
  if (leaving_) return out;
  next_join_ = never;
  next_gossip_ = now;
  if (config_.packet.serf) {
    // Without it Serf shows a failed member, and tries to reach it for a day.
    broadcasts_.push(leave_subject, serf_.leave_intent());
    intent_until_ = now + config_.leave_timeout / 2;
  } else {
    intent_until_ = now;
    tick_intent(now, out);
  }
  return out;
}

void Swim::tick_intent(Instant now, SwimEffects& out) {
  if (!intent_until_) return;
  const bool told = !broadcasts_.contains(leave_subject);
  if (!told && now < *intent_until_) return;
  intent_until_.reset();
  leaving_ = true;
  leaving_until_ = now + config_.leave_timeout;
  on_dead(wire::Dead{self().incarnation.value, name_, name_}, now, out);
  next_gossip_ = now;
}

void Swim::tick_leave(Instant now, SwimEffects& out) {
  if (!leaving_until_) return;
  // Finished when the whole life of the broadcast was sent, or nobody is there to hear it. Whom a
  // join on its way reaches knows us before we know it, and must hear the leave as well.
  const bool alone = random_members(1, true, name_, now).empty() && !is_joining();
  if (now < *leaving_until_ && broadcasts_.contains(name_) && !alone) return;
  leaving_until_.reset();
  out.emplace_back(LeaveFinished{});
}

}  // namespace coterie::membership
