#include "coterie/membership/swim.hpp"
#include "coterie/membership/versions.hpp"

namespace coterie::membership {
namespace {

Claim known_claim(const Member& member) { return {member.incarnation, member.state}; }

}  // namespace

Bytes Swim::own_claim() const {
  const auto& me = self();
  return wire::encode(wire::Alive{me.incarnation.value, name_, me.gossip, me.meta, me.versions});
}

/// Out of office it does not say that it is alive, whatever else it has to say.
void Swim::broadcast_self() {
  if (self_test_.in_office()) broadcasts_.push(name_, own_claim());
}

/// Who accuses us of what we refuted missed the refutation.
void Swim::remind(const std::string& accuser, SwimEffects& out) {
  const auto* const member = members_.find(accuser);
  if (member == nullptr || leaving_ || !self_test_.in_office()) return;
  send(member->gossip, {own_claim()}, out);
}

void Swim::refute(std::uint32_t accused, SwimEffects& out) {
  auto& me = members_.at(name_);
  me.incarnation = Incarnation{std::max(me.incarnation.value + 1, accused + 1)};
  ++counters_.refutations;
  health_.add(1);
  broadcast_self();
  out.emplace_back(MemberChanged{me, false});
}

void Swim::set_state(Member& member, MemberState state, Instant now, SwimEffects& out) {
  const bool changed = member.state != state;
  const bool was_present = member.is_present();
  if (changed) member.changed = now;
  member.state = state;
  if (changed && !member.is_present())
    next_tombstones_ = earliest(next_tombstones_, now + config_.tombstone_time);
  present_ = present_ + (member.is_present() ? 1 : 0) - (was_present ? 1 : 0);
  out.emplace_back(MemberChanged{member, changed});
}

/// A name may return from another address once its old owner left, or has been dead for a while
/// (section 11.2, rule 5).
bool Swim::may_take_over(const Member& known, Instant now) const {
  if (known.state == MemberState::left) return true;
  return known.state == MemberState::dead && now - known.changed >= config_.reclaim_time;
}

void Swim::on_alive(const wire::Alive& claim, Instant now, SwimEffects& out) {
  const bool about_me = claim.node == name_;
  if (about_me && leaving_) return;
  // Also of datagrams, which memberlist does not check: one bad member would poison the pool.
  if (!well_formed(claim.versions) || !compatible(claim.versions, self().versions))
    return refuse(wire::Refusal::versions, "'" + claim.node + "'", now, out);
  auto slot = members_.slot(claim.node);
  if (slot == MemberTable::none) {
    if (members_.size() >= max_members) return void(++counters_.over_limit);
    slot = members_.insert({.name = claim.node, .gossip = claim.address, .changed = now});
    order_.insert(slot, random_);
    roster_.push_back(slot);
  }
  auto& member = members_[slot];
  bool takeover = false;
  if (member.gossip != claim.address) {
    takeover = !about_me && may_take_over(member, now);
    if (!takeover) {
      ++counters_.conflicts;
      out.emplace_back(LogEvent{LogLevel::error, "name conflict: '" + claim.node +
                                                     "' is claimed by " + to_string(claim.address) +
                                                     " and by " + to_string(member.gossip) +
                                                     "; give each node its own --name"});
      return;
    }
  }
  if (about_me) {
    const bool same = claim.incarnation == member.incarnation.value && claim.meta == member.meta &&
                      claim.versions == member.versions;
    if (claim.incarnation >= member.incarnation.value && !same && self_test_.in_office())
      refute(claim.incarnation, out);
    return;
  }
  if (!takeover &&
      !supersedes({Incarnation{claim.incarnation}, MemberState::alive}, known_claim(member))) {
    if (!member.is_present()) contradict(member);
    return;
  }
  suspicions_.erase(claim.node);
  broadcasts_.push(claim.node, wire::encode(claim));
  member.gossip = claim.address;
  member.meta = claim.meta;
  member.versions = claim.versions;
  member.incarnation = Incarnation{claim.incarnation};
  set_state(member, MemberState::alive, now, out);
  note_details(member, now, out);
}

/// Somebody holds dead whom we know alive, or the reverse, and what we know is no longer gossiped:
/// without a word both would stay so until the next full exchange, or for ever where a tombstone is
/// too old for one. Our death is repeated as a suspicion: the accused, if it lives, refutes before
/// anybody else believes us. Beyond the papers; the simulator found both.
void Swim::contradict(const Member& member) {
  const auto i = member.incarnation.value;
  if (member.is_present())
    broadcasts_.push(member.name, wire::encode(wire::Alive{i, member.name, member.gossip,
                                                           member.meta, member.versions}));
  if (member.state == MemberState::dead && speaks_up(name_))
    broadcasts_.push(member.name, wire::encode(wire::Suspect{i, member.name, name_}));
  if (member.state == MemberState::left)
    broadcasts_.push(member.name, wire::encode(wire::Dead{i, member.name, member.name}));
}

void Swim::on_suspect(const wire::Suspect& claim, Instant now, SwimEffects& out) {
  auto* const found = members_.find(claim.node);
  if (found == nullptr) return;
  auto& member = *found;
  if (claim.node != name_ && !may_accuse(claim.from)) return;
  if (const auto known = suspicions_.find(claim.node); known != suspicions_.end()) {
    if (claim.incarnation >= member.incarnation.value &&
        known->second.suspicion.confirm(claim.from) && speaks_up(claim.from))
      broadcasts_.push(claim.node, wire::encode(claim));
    return;
  }
  if (!supersedes({Incarnation{claim.incarnation}, MemberState::suspect}, known_claim(member))) {
    if (claim.node == name_) remind(claim.from, out);
    return;
  }
  if (claim.node == name_) {
    if (!leaving_) on_accused(claim, now, out);
    return;
  }
  if (speaks_up(claim.from)) broadcasts_.push(claim.node, wire::encode(claim));
  member.incarnation = Incarnation{claim.incarnation};
  ++counters_.suspicions;
  suspicions_.insert_or_assign(claim.node,
                               Suspected{.suspicion = new_suspicion(claim.from, now),
                                         .incarnation = member.incarnation,
                                         .asked = config_.lifeguard.last_word ? 0 : last_words});
  set_state(member, MemberState::suspect, now, out);
}

void Swim::on_dead(const wire::Dead& claim, Instant now, SwimEffects& out) {
  auto* const found = members_.find(claim.node);
  if (found == nullptr) return;
  auto& member = *found;
  if (claim.node != name_ && claim.from != claim.node && !may_accuse(claim.from)) return;
  // Its own word that it left outweighs others' that it is dead: they may have missed it, and
  // otherwise one pool would keep two opinions for ever.
  const bool corrected = claim.from == claim.node && member.state == MemberState::dead &&
                         Incarnation{claim.incarnation} >= member.incarnation;
  if (!corrected &&
      !supersedes({Incarnation{claim.incarnation}, MemberState::dead}, known_claim(member))) {
    if (member.is_present() && !leaving_) contradict(member);
    return;
  }
  if (claim.node == name_ && !leaving_) return on_declared_dead(claim.incarnation, now, out);
  suspicions_.erase(claim.node);
  if (speaks_up(claim.from) || claim.node == name_)
    broadcasts_.push(claim.node, wire::encode(claim));
  member.incarnation = Incarnation{claim.incarnation};
  const bool left = claim.node == claim.from;
  if (!left) ++counters_.deaths;
  phis_.erase(members_.slot(claim.node));
  if (details_.forget(claim.node)) out.emplace_back(MemberDetails{claim.node, {}});
  set_state(member, left ? MemberState::left : MemberState::dead, now, out);
}

/// Before we declare a member dead we ask it once more: where packets are lost, its refutation may
/// have reached everybody but us. If it lives, our accusation makes it repeat what it is.
void Swim::ask_for_a_last_word(const std::string& name, Suspected& suspected, Instant now,
                               SwimEffects& out) {
  ++suspected.asked;
  suspected.may_answer_until = now + last_word_pause;
  const auto& member = members_.at(name);
  send(member.gossip, {wire::encode(wire::Suspect{member.incarnation.value, member.name, name_})},
       out);
}

void Swim::tick_suspicions(Instant now, SwimEffects& out) {
  std::vector<std::pair<std::string, Incarnation>> expired;
  for (auto& [name, suspected] : suspicions_) {
    if (suspected.next_deadline() > now) continue;
    if (suspected.asked < last_words) ask_for_a_last_word(name, suspected, now, out);
    else expired.emplace_back(name, suspected.incarnation);
  }
  for (const auto& [name, incarnation] : expired) {
    suspicions_.erase(name);
    const auto& member = members_.at(name);
    if (member.state != MemberState::suspect || member.incarnation != incarnation) continue;
    on_dead(wire::Dead{incarnation.value, name, name_}, now, out);
  }
}

void Swim::tick_tombstones(Instant now) {
  if (now < next_tombstones_) return;
  next_tombstones_ = never;
  std::erase_if(roster_, [&](MemberTable::Slot slot) {
    const auto& member = members_[slot];
    if (member.is_present()) return false;
    const auto until = member.changed + config_.tombstone_time;
    if (until <= now) return order_.erase(slot), members_.erase(slot), true;
    next_tombstones_ = earliest(next_tombstones_, until);
    return false;
  });
}

}  // namespace coterie::membership
