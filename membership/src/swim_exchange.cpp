#include <algorithm>
#include <cmath>
#include <set>

#include "coterie/core/ensure.hpp"
#include "coterie/gossip/digest.hpp"
#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/swim.hpp"
#include "coterie/membership/versions.hpp"

namespace coterie::membership {
namespace {

/// What two members agree on when they hold the same of a third one.
std::uint64_t version_of(const Member& member) {
  return std::uint64_t{member.incarnation.value} << 1 |
         (member.state == MemberState::suspect ? 1 : 0);
}

}  // namespace

static wire::PushPullNode node_of(const Member& m) {
  return {
      m.name,    m.gossip, m.meta, m.incarnation.value, static_cast<wire::PushPullState>(m.state),
      m.versions};
}

/// Old tombstones stay at home: they are listed to operators, not gossiped for a day. Who is held
/// dead and out of office does not say that it is alive.
bool Swim::is_told(const Member& member, Instant now) const {
  if (member.name == name_) return !self_test_.condemned();
  return member.is_present() || now - member.changed <= config_.gossip_to_the_dead;
}

/// What is told of a member to itself is told however old it is, so that it can refute.
void Swim::send_state(StreamKind kind, const Address& to, Instant now, SwimEffects& out) {
  wire::PushPull state{.join = kind == StreamKind::join};
  for (const auto& member : members_)
    if (is_told(member, now) || member.gossip == to) state.nodes.push_back(node_of(member));
  open_stream(kind, to, wire::encode(state), now, out);
}

/// The asker hears of its own death however long ago that was, and of whomever it holds alive.
wire::PushPull Swim::answer_state(const wire::PushPull& asked, Instant now) const {
  std::set<std::string_view> alive;
  for (const auto& node : asked.nodes)
    if (node.state == wire::PushPullState::alive) alive.insert(node.name);
  wire::PushPull state{.join = asked.join};
  for (const auto& member : members_)
    if (is_told(member, now) || alive.contains(member.name)) state.nodes.push_back(node_of(member));
  return state;
}

/// The pool is settled as far as we know: the next exchange after the regular interval, which grows
/// with the pool as memberlist's does.
void Swim::rest(Instant now) {
  settling_ = 0;
  const auto n = static_cast<double>(std::max<std::size_t>(1, present()));
  const auto scale = n <= 32 ? 1 : static_cast<std::int64_t>(std::ceil(std::log2(n) - 5)) + 1;
  next_push_pull_ = now + config_.push_pull_interval * scale;
}

void Swim::tick_push_pull(Instant now, SwimEffects& out) {
  if (now < next_push_pull_) return;
  const bool fresh = settling_ > 0;
  // Whoever is not native does not say whether we differed.
  const auto most = is_native(self().meta) ? settle_exchanges_max : settle_exchanges;
  if (fresh && settling_ < most)
    next_push_pull_ = now + std::min(settle_pause * (1 << settling_++), settle_pause_max);
  else rest(now);
  if (leaving_) return;
  for (const auto* peer : random_members(1, false, name_, now)) {
    if (is_native(peer->meta) && is_native(self().meta)) {
      open_stream(StreamKind::digest, peer->gossip, wire::encode_digest(digest().parts()), now,
                  out);
      compare_shared(peer->gossip, fresh, now, out);
    } else send_state(StreamKind::push_pull, peer->gossip, now, out);
  }
}

/// Of those who are present: a newcomer that never heard of the dead agrees with who did.
gossip::Digest Swim::digest() const {
  gossip::Digest digest;
  for (const auto& member : members_)
    if (member.is_present() && (member.name != name_ || !self_test_.condemned()))
      digest.add(member.name, version_of(member));
  return digest;
}

wire::PushPull Swim::facts_in(const wire::PartSet& parts, Instant now) const {
  wire::PushPull facts;
  for (const auto& member : members_)
    if (parts[gossip::Digest::part_of(member.name)] && is_told(member, now))
      facts.nodes.push_back(node_of(member));
  return facts;
}

/// A native message on a stream that somebody opened to us.
void Swim::answer_native(ConnId id, const wire::NativeMessage& message, Instant now,
                         SwimEffects& out) {
  if (message.type == wire::NativeType::digest) {
    if (const auto parts = wire::decode_digest(message.body)) {
      const auto differ = digest() - gossip::Digest(*parts);
      answer_stream(id,
                    differ.none() ? wire::encode_same()
                                  : wire::encode(wire::Difference{differ, facts_in(differ, now)}),
                    out);
      return end_stream(id, out);
    }
  } else if (answer_shared(id, message, out)) {
    return end_stream(id, out);
  } else if (message.type == wire::NativeType::ask_details) {
    answer_stream(id, answer_details(text(message.body)), out);
    return end_stream(id, out);
  } else if (message.type == wire::NativeType::facts) {
    if (const auto facts = wire::decode_facts(message.body)) {
      merge(*facts, true, now, out);
      return end_stream(id, out);
    }
  }
  ++counters_.malformed;
  end_stream(id, out);
}

/// The answer to our digest. What the other holds comes first, so that what it accuses us of is
/// refuted in what we tell it.
void Swim::read_digest_answer(ConnId id, const Address& peer, const wire::NativeMessage& message,
                              Instant now, SwimEffects& out) {
  const bool same = message.type == wire::NativeType::same;
  const auto difference = message.type == wire::NativeType::difference
                              ? wire::decode_difference(message.body)
                              : std::nullopt;
  end_stream(id, out);  // and with it what `message` points into
  agreed_ = same ? agreed_ + 1 : 0;
  if (same) return settling_ >= settle_exchanges && agreed_ >= settle_agreed ? rest(now) : void();
  if (!difference) return void(++counters_.malformed);
  merge(difference->held, false, now, out);
  const auto told = open_stream(StreamKind::one_way, peer,
                                wire::encode_facts(facts_in(difference->parts, now)), now, out);
  if (told != ConnId{}) end_stream(told, out);
}

void Swim::know(const wire::PushPull& state, Instant now) {
  COTERIE_ENSURE(roster_.empty());
  std::vector<MemberTable::Slot> order;
  for (const auto& node : state.nodes) {
    if (members_.contains(node.name)) continue;
    order.push_back(members_.insert({.name = node.name,
                                     .gossip = node.address,
                                     .incarnation = Incarnation{node.incarnation},
                                     .versions = node.versions,
                                     .state = MemberState::alive,
                                     .meta = node.meta,
                                     .changed = now}));
  }
  roster_.insert(roster_.end(), order.begin(), order.end());
  present_ += order.size();
  order_.insert_all(std::move(order), random_);
}

/// `inbound`: from whoever dialled us, so that the newcomers it may bring have a bound.
void Swim::merge(const wire::PushPull& remote, bool inbound, Instant now, SwimEffects& out) {
  if (const auto name = misfit(remote, members_); !name.empty())
    return refuse(wire::Refusal::versions, "a state exchange that names '" + name + "'", now, out);
  if (config_.packet.serf) {
    serf_.witness_state(remote.user_state);
    if (serf_.should_rejoin()) say_joined();
    witness_events(remote.user_state, now, out);
  }
  auto newcomers = inbound ? inbound_newcomers + members_.size() : max_members;
  for (const auto& node : remote.nodes) {
    switch (node.state) {
      case wire::PushPullState::alive:
        if (!members_.contains(node.name) && newcomers-- == 0) return void(++counters_.over_limit);
        on_alive({node.incarnation, node.name, node.address, node.meta, node.versions}, now, out);
        break;
      case wire::PushPullState::left:
        on_dead({node.incarnation, node.name, node.name}, now, out);
        break;
      // A remote death is never believed outright: it becomes our own suspicion (section 11.2).
      case wire::PushPullState::dead:
      case wire::PushPullState::suspect:
        on_suspect({node.incarnation, node.name, name_}, now, out);
        break;
    }
  }
}

}  // namespace coterie::membership
