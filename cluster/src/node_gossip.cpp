#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

NodeEffects NodeCore::datagram(const Address& from, ByteView bytes, Instant now) {
  NodeEffects out;
  take(swim_.receive(from, bytes, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::share(const gossip::SharedChange& change, Instant now) {
  NodeEffects out;
  take(swim_.share(change, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::set_details(Bytes details, Instant now) {
  NodeEffects out;
  details_ = membership::details_hash(details);
  take(swim_.set_details(std::move(details), now), now, out);
  publish_meta(now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::too_large(const Address& to, Instant now) {
  swim_.too_large(to, now);
  return finish({}, now);
}

NodeEffects NodeCore::starved(Duration waited, Duration over, Instant now) {
  NodeEffects out;
  take(swim_.starved(waited, over, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::stream_accepted(ConnId id, Instant now) {
  NodeEffects out;
  take(swim_.stream_accepted(id, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::stream_received(ConnId id, ByteView bytes, Instant now) {
  NodeEffects out;
  take(swim_.stream_received(id, bytes, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::stream_closed(ConnId id, Instant now) {
  NodeEffects out;
  take(swim_.stream_closed(id, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::broadcast(std::string name, Bytes payload, bool coalesce, Instant now) {
  NodeEffects out;
  take(swim_.broadcast(std::move(name), std::move(payload), coalesce, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::query(std::uint64_t query, std::string name, Bytes payload, Duration timeout,
                            Instant now) {
  NodeEffects out;
  take(swim_.query(query, std::move(name), std::move(payload), timeout, now), now, out);
  return finish(std::move(out), now);
}

NodeEffects NodeCore::answer(std::uint64_t query, Bytes payload, Instant now) {
  NodeEffects out;
  take(swim_.answer(query, std::move(payload), now), now, out);
  return finish(std::move(out), now);
}

void NodeCore::take(membership::SwimEffects&& effects, Instant now, NodeEffects& out) {
  for (auto& effect : effects) {
    std::visit(
        [&](auto& e) {
          using E = std::decay_t<decltype(e)>;
          if constexpr (std::is_same_v<E, membership::MemberChanged>) {
            on_member(e, now, out);
          } else if constexpr (std::is_same_v<E, membership::SharedChanged>) {
            on_shared(e.value);
            out.emplace_back(std::move(e));
          } else if constexpr (std::is_same_v<E, membership::LeaveFinished>) {
            out.emplace_back(Stop{failure_});
          } else {
            out.emplace_back(std::move(e));
          }
        },
        effect);
  }
}

void NodeCore::on_member(const membership::MemberChanged& change, Instant now, NodeEffects& out) {
  const auto& member = change.member;
  out.emplace_back(change);
  if (change.state_changed)
    out.emplace_back(LogEvent{LogLevel::info, "member '" + member.name + "' is " +
                                                  std::string(membership::to_string(member.state)) +
                                                  " (incarnation " +
                                                  std::to_string(member.incarnation.value) + ")"});
  if (member.name == config_.name) return;
  routes_dirty_ = true;
  const auto meta = membership::decode_node_meta(member.meta);
  if (!meta || !meta->link.is_set()) return;  // a foreign node: a member, but no peer
  metas_[member.name] = *meta;
  if (member.is_present()) {
    heard_.try_emplace(member.name, now + (first_words - silence()));
    messaging::LinkEffects effects;
    links_.peer_up(member.name, meta->link, meta->start, {0}, now, effects);
    take(std::move(effects), now, out);
    remember_ = remember_ || change.state_changed;
  } else {
    messaging::LinkEffects effects;
    links_.peer_down(member.name, effects);
    take(std::move(effects), now, out);
    suspects_.push_back(member.name);
  }
}

Bytes NodeCore::own_meta() const {
  if (config_.foreign_meta) return *config_.foreign_meta;
  return membership::encode(membership::NodeMeta{.link = config_.link,
                                                 .management = config_.management,
                                                 .data_workers = config_.data_workers,
                                                 .leads_registers = leads_registers(),
                                                 .start = config_.start,
                                                 .cluster = cluster_,
                                                 .entity_types = config_.entity_types,
                                                 .details = details_,
                                                 .disk = config_.stored.disk,
                                                 .traits = config_.traits});
}

void NodeCore::publish_meta(Instant now, NodeEffects& out) {
  take(swim_.update_meta(own_meta(), now), now, out);
}

bool NodeCore::present(const std::string& name) const {
  const auto* const found = swim_.members().find(name);
  return found != nullptr && found->is_present();
}

/// It is here, with that very directory: what lies on a lost one, a node of that name cannot serve.
bool NodeCore::is_there(const replication::raft::MemberId& copy) const {
  const auto meta = metas_.find(copy.node);
  return present(copy.node) && (copy.disk == 0 || meta == metas_.end() ||
                                replication::same_directory(meta->second.disk, copy.disk));
}

}  // namespace coterie::cluster
