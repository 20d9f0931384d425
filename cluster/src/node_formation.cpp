#include <algorithm>

#include "coterie/cluster/node_core.hpp"

namespace coterie::cluster {

/// Formation is explicit and happens once: a node that was given no seed and has no cluster id
/// waits for `bootstrap_expect` live members, then creates the id and is the first voter on the
/// registers. It is never inferred from an empty view.
void NodeCore::try_bootstrap(NodeEffects& out) {
  if (cluster_.is_set() || persisting_ || config_.seeded || config_.foreign_meta) return;
  if (swim_.present() < config_.bootstrap_expect) return;
  for (const auto& [name, meta] : metas_)
    if (meta.cluster.is_set() && present(name))
      return;  // there is a cluster already: adopt its id by the handshake
  persisting_ = PersistIdentity{.cluster = {random_.next() | 1, random_.next()}, .founder = true};
  out.emplace_back(LogEvent{LogLevel::info, "forming cluster " + to_string(persisting_->cluster) +
                                                " of " + std::to_string(swim_.present()) +
                                                " members"});
  out.emplace_back(*persisting_);
}

NodeEffects NodeCore::identity_persisted(Instant now) {
  NodeEffects out;
  if (!persisting_) return out;
  const auto identity = *persisting_;
  persisting_.reset();
  const bool fresh = !cluster_.is_set();
  cluster_ = identity.cluster;
  links_.set_cluster(cluster_);
  config_.stored.founder = config_.stored.founder || identity.founder;
  if (identity.founder) founder_.founded(now);
  if (!store_) open_store(now);
  routes_dirty_ = true;
  if (fresh) publish_meta(now, out);
  return finish(std::move(out), now);
}

/// Rather than answer for entities that are empty here, and are not where the others are.
void NodeCore::tick_founder(Instant now, NodeEffects& out) {
  if (had_lane_ || !founder_.doubts(now)) return;
  for (const auto& [name, meta] : metas_) {
    if (!meta.cluster.is_set() || meta.cluster == cluster_ || !present(name)) {
      founder_.gone(name);
    } else if (founder_.is_elsewhere(name, meta.start, now)) {
      founder_.settle();
      return void(out.emplace_back(Stop{error(
          Errc::wrong_cluster,
          "node '" + name + "' belongs to cluster " + to_string(meta.cluster) +
              ", and this node formed another one by itself: it lost its data directory, or "
              "--join was forgotten; move the new --data directory away and start with --join")}));
    }
  }
}

/// The coordinator's first plan: all shards among the present nodes that registered entity types.
void NodeCore::try_place(Instant now, NodeEffects& out) {
  if (!leads_registers() || placing_ || table_.formed() ||
      swim_.present() < config_.bootstrap_expect)
    return;
  const auto nodes = placeable_nodes(now);
  if (std::none_of(nodes.begin(), nodes.end(), [](const auto& node) { return node.takes(); }))
    return;
  auto digest = config_.entity_types;
  if (digest == 0) digest = metas_.at(nodes.front().name).entity_types;
  std::vector<replication::Swap> swaps;
  for (auto& entry : sharding::place_first(nodes, config_.placement))
    swaps.push_back(
        {ShardId{static_cast<std::uint16_t>(swaps.size())}, Epoch{0}, std::move(entry)});
  auto effects = store_->compare_and_swap(next_token_++, swaps, digest);
  placing_ = !effects.empty();
  take(std::move(effects), now, out);
}

}  // namespace coterie::cluster
