#include "placement_management.hpp"

#include <algorithm>
#include <charconv>

#include "coterie/replication/copy_id.hpp"
#include "coterie/sharding/explain.hpp"
#include "json_answer.hpp"

namespace coterie {
namespace {

using nlohmann::json;
using transport::HttpRequest;
using transport::HttpResponse;

std::optional<ShardId> shard_in(const std::string& target) {
  constexpr std::string_view key = "shard=";
  const auto at = target.find(key);
  unsigned shard = 0;
  if (at == std::string::npos) return std::nullopt;
  const auto* const first = target.data() + at + key.size();
  const auto read = std::from_chars(first, target.data() + target.size(), shard);
  if (read.ec != std::errc{} || read.ptr == first || shard >= sharding::shard_count)
    return std::nullopt;
  return ShardId{static_cast<std::uint16_t>(shard)};
}

json to_json(const sharding::PlaceableNode& node) {
  return {{"node", node.name},         {"up", node.up},
          {"leaving", node.leaving},   {"cordoned", node.cordoned},
          {"draining", node.draining}, {"slow", node.slow},
          {"weight", node.weight},     {"zone", node.zone}};
}

HttpResponse explain(const HttpRequest& request, const cluster::NodeCore& core, Instant now) {
  const auto shard = shard_in(request.target);
  if (!shard) return problem(400, "which shard? /placement/explain?shard=0 to 255");
  const auto& entry = core.table().at(*shard);
  const auto nodes = core.placeable_nodes(now);
  json copies = json::array();
  for (const auto& member : entry.replicas) {
    json copy{{"node", member.node}, {"up", false}};
    for (const auto& node : nodes)
      if (node.id() == member) copy = to_json(node);
    copy["in_sync"] =
        std::find(entry.in_sync.begin(), entry.in_sync.end(), member) != entry.in_sync.end();
    copies.push_back(std::move(copy));
  }
  return answer({{"shard", shard->value},
                 {"epoch", entry.epoch.value},
                 {"primary", entry.primary},
                 {"rule", sharding::explain_rule(entry)},
                 {"rule_epoch", entry.rule_epoch.value},
                 {"before", entry.before},
                 {"min_in_sync", entry.min_in_sync},
                 {"copies", copies},
                 {"state", sharding::explain_state(entry, nodes, core.placement())}});
}

json to_json(const replication::raft::MemberId& member) { return {member.node, member.disk}; }

json to_json(const std::vector<replication::raft::MemberId>& members) {
  auto out = json::array();
  for (const auto& member : members) out.push_back(to_json(member));
  return out;
}

/// What the planners know. Whoever wants to know what comes next runs them: here a plan to its end
/// would keep the beats waiting, and others would take this node for silent.
HttpResponse facts(const cluster::NodeCore& core, Instant now) {
  json out{{"nodes", json::array()}, {"registers", json::array()}};
  for (const auto& node : core.placeable_nodes(now)) {
    auto shown = to_json(node);
    std::size_t leads = 0, copies = 0, moves = 0;
    for (const auto& entry : core.table().registers) {
      leads += entry.primary == node.name ? 1 : 0;
      moves += entry.moves() && (entry.primary == node.name || entry.successor == node.id());
      for (const auto& member : entry.replicas) copies += member == node.id() ? 1 : 0;
    }
    shown["disk"] = node.disk;
    shown["gone"] = node.gone;
    const auto* const member = core.swim().members().find(node.name);
    shown["left"] = member != nullptr && member->state == membership::MemberState::left;
    shown["leads"] = leads;
    shown["copies"] = copies;
    shown["moving"] = moves;
    out["nodes"].push_back(std::move(shown));
  }
  for (const auto& entry : core.table().registers)
    out["registers"].push_back({{"epoch", entry.epoch.value},
                                {"primary", to_json(entry.leader())},
                                {"in_sync", to_json(entry.in_sync)},
                                {"replicas", to_json(entry.replicas)},
                                {"successor", to_json(entry.successor)},
                                {"min_in_sync", entry.min_in_sync}});
  const auto leader = core.registers_leader();
  out["leader"] = leader.empty() ? json(nullptr) : json(leader);
  const auto needed = core.needed_voters(now);
  out["needed_voters"] = needed ? json(*needed) : json(nullptr);
  out["asked"] = core.name();
  const auto votes = core.votes();
  out["asked_votes"] = votes ? json(*votes) : json(nullptr);
  out["replicas"] = core.placement().replicas;
  out["min_in_sync"] = core.placement().min_in_sync;
  return answer(out);
}

HttpResponse wish(const std::string& action, const std::string& node, const cluster::NodeCore& core,
                  const PlacementActions& actions) {
  gossip::SharedChange change{.key = {gossip::SharedKind::map, std::string(cluster::wishes_name)},
                              .remove = action == "uncordon",
                              .item = node,
                              .value = action == "drain"    ? "draining"
                                       : action == "cordon" ? "cordoned"
                                                            : ""};
  // What has not come here yet stays: a removal takes back what was seen.
  const auto known = core.wishes().find(node);
  const std::string was = known == core.wishes().end() ? "" : known->second;
  actions.wish(std::move(change));
  return answer({{"node", node}, {"action", action}, {"was", was}});
}

using PlaceableNodes = std::vector<sharding::PlaceableNode>;

PlaceableNodes::const_iterator named(const PlaceableNodes& nodes, const std::string& name) {
  return std::find_if(nodes.begin(), nodes.end(),
                      [&](const auto& known) { return known.name == name; });
}

bool leader_is_up(const PlaceableNodes& nodes, const replication::raft::MemberId& leader) {
  const auto at = named(nodes, leader.node);
  return at != nodes.end() && at->up && replication::same_directory(at->id(), leader);
}

/// Why a move to it would be given up at once, and what to do; empty: it would not.
std::string why_not_to(const sharding::PlaceableNode& node, const cluster::NodeCore& core) {
  const auto name = "'" + node.name + "'";
  if (!node.up) return name + " is down: start it, or name another node";
  if (node.leaving) return name + " is leaving: name another node";
  if (core.is_drained(node.name))
    return name + " is being drained: coterie uncordon " + node.name + ", or name another node";
  if (node.draining) return name + " is not of the role that has shards: name another node";
  if (node.slow) return "the disk of " + name + " is slow: wait until it is well, or name another";
  return {};
}

HttpResponse begin_move(ShardId shard, const PlaceableNodes& nodes, const std::string& to,
                        const cluster::NodeCore& core, const PlacementActions& actions) {
  const auto leader = core.table().at(shard).leader();
  if (!leader_is_up(nodes, leader))
    return problem(503, "the primary of shard " + std::to_string(shard.value) + ", '" +
                            leader.node +
                            "' with its data directory, is not here: nothing can be moved; "
                            "coterie explain tells who has copies");
  if (const auto why = why_not_to(*named(nodes, to), core); !why.empty()) return problem(409, why);
  actions.move(shard, to);
  return answer({{"shard", shard.value}, {"to", to}});
}

/// What a primary that is up acknowledged is lost only by mistake, or where its copy is of no use:
/// of a shard that is closed here that is known. What it forces on itself loses nothing more.
bool needs_no_force(ShardId shard, const PlaceableNodes& nodes, const std::string& to,
                    const cluster::NodeCore& core) {
  const auto leader = core.table().at(shard).leader();
  const auto status = core.shards().find(shard);
  const bool closed = leader.node == core.name() && status != core.shards().end() &&
                      status->second.phase == cluster::ShardPhase::failed;
  return leader_is_up(nodes, leader) && leader.node != to && !closed;
}

HttpResponse begin_force(ShardId shard, const PlaceableNodes& nodes, const std::string& to,
                         bool even_so, const cluster::NodeCore& core,
                         const PlacementActions& actions) {
  const auto& entry = core.table().at(shard);
  const auto number = std::to_string(shard.value);
  const auto heir = named(nodes, to);
  if (replication::latest_of(entry.replicas, heir->id()) == nullptr)
    return problem(409, "'" + to + "' has no copy of shard " + number +
                            " in its data directory; coterie explain lists who has");
  if (!heir->up) return problem(409, "'" + to + "' is down: it cannot lead");
  if (!even_so && needs_no_force(shard, nodes, to, core))
    return problem(409, "shard " + number + " is led by '" + entry.primary +
                            "', which is up: coterie move loses nothing; to lose what '" + to +
                            "' lacks, add --even-so");
  actions.force_primary(shard, to);
  return answer({{"shard", shard.value}, {"to", to}});
}

HttpResponse change(const json& body, const cluster::NodeCore& core, Instant now,
                    const PlacementActions& actions) {
  const auto action = body.value("action", "");
  const auto node = body.value("node", "");
  const bool wishes = action == "cordon" || action == "uncordon" || action == "drain";
  if (!wishes && action != "move" && action != "force-primary")
    return problem(400, "\"action\" is cordon, uncordon, drain, move or force-primary");
  const auto nodes = core.placeable_nodes(now);
  if (action != "uncordon" && named(nodes, node) == nodes.end())
    return problem(404,
                   "there is no node '" + node + "' with entities; coterie members lists them");
  if (wishes && !core.swim().knows_shared(now))
    return problem(503,
                   "this node has just started and does not know yet what was wanted before; try "
                   "again in a second, or ask another node");
  if (wishes) return wish(action, node, core, actions);
  const auto shard = body.value("shard", -1);
  if (shard < 0 || shard >= sharding::shard_count)
    return problem(400, "\"shard\" is 0 to 255; coterie shards --of ENTITY names an entity's");
  const ShardId id{static_cast<std::uint16_t>(shard)};
  if (core.registers_leader().empty())
    return problem(503,
                   "the placement registers have no leader: nothing changes hands until a "
                   "majority of their voters is back");
  if (action == "move") return begin_move(id, nodes, node, core, actions);
  return begin_force(id, nodes, node, body.value("even_so", false), core, actions);
}

}  // namespace

std::optional<HttpResponse> answer_placement(const HttpRequest& request,
                                             const cluster::NodeCore& core, Instant now,
                                             const PlacementActions& actions) {
  const auto target = request.target.substr(0, request.target.find('?'));
  const bool reads =
      target == "/placement/explain" || (target == "/placement" && request.method != "POST");
  if (!reads && target != "/placement") return std::nullopt;
  if (!core.table().formed()) {
    const auto why = core.readiness().reason;
    return problem(503, "there is no shard table yet" + (why.empty() ? "" : ": " + why));
  }
  if (reads && request.method != "GET") return problem(405, "only GET and POST are offered here");
  if (target == "/placement/explain") return explain(request, core, now);
  if (reads) return facts(core, now);
  if (!request.own)
    return problem(403, "this changes the cluster: send the header " +
                            std::string(transport::own_header) + ": 1");
  if (!request.loopback)
    return problem(403,
                   "this changes the cluster, and there are no tokens yet: ask on the node's own "
                   "host");
  const auto body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return problem(400, "the body is no JSON object");
  try {
    return change(body, core, now, actions);
  } catch (const json::type_error&) {
    return problem(400, "a field of the body has the wrong type");
  }
}

}  // namespace coterie
