#include "management.hpp"

#include <algorithm>

#include "coterie/membership/serf.hpp"
#include "coterie/transport/event_loop.hpp"
#include "json_answer.hpp"

namespace coterie {
namespace {

using nlohmann::json;
using transport::HttpResponse;

json text_or_null(const Address& address) {
  return address.is_set() ? json(to_string(address)) : json(nullptr);
}

/// What a member is in the registers' Raft group; null: nothing, or this node is not of the group
/// and does not know.
/// A voter is a disk: of a node that lost it, or came with another one, the lost one does not vote.
json registers_role(const cluster::NodeCore& core, const cluster::MemberInfo& info) {
  const auto& name = info.member.name;
  if (name == core.registers_leader()) return "leader";
  if (core.meta_store() == nullptr) return nullptr;
  const auto& configuration = core.meta_store()->raft().configuration();
  const auto has_disk = [&](const auto& id) {
    return id.node == name && (!info.meta || info.meta->disk == id.disk);
  };
  const auto has_name = [&](const auto& id) { return id.node == name; };
  const auto in = [](const auto& ids, const auto& test) {
    return std::any_of(ids.begin(), ids.end(), test);
  };
  if (in(configuration.voters, has_disk)) return "voter";
  if (in(configuration.learners, has_disk)) return "learner";
  if (in(configuration.voters, has_name)) return "lost voter";
  return nullptr;
}

HttpResponse members(const cluster::NodeCore& core) {
  auto out = json::array();
  for (const auto& info : core.members(transport::EventLoop::now())) {
    const auto& m = info.member;
    out.push_back({{"name", m.name},
                   {"gossip", to_string(m.gossip)},
                   {"link", info.meta ? text_or_null(info.meta->link) : json(nullptr)},
                   {"management", info.meta ? text_or_null(info.meta->management) : json(nullptr)},
                   {"state", membership::to_string(m.state)},
                   {"incarnation", m.incarnation.value},
                   {"phi", info.phi},
                   {"tags", membership::SerfLayer::decode_tags(m.meta)},
                   {"start", info.meta ? json(info.meta->start.value) : json(nullptr)},
                   {"registers", registers_role(core, info)}});
  }
  return {.body = json_text(out)};
}

const char* phase_name(cluster::ShardPhase phase) {
  switch (phase) {
    case cluster::ShardPhase::idle: return "idle";
    case cluster::ShardPhase::recovering: return "recovering";
    case cluster::ShardPhase::barrier: return "barrier";
    case cluster::ShardPhase::serving: return "serving";
    case cluster::ShardPhase::failed: return "failed";
    case cluster::ShardPhase::backup: return "backup";
    case cluster::ShardPhase::handing_over: return "handing over";
  }
  return "?";
}

json names(const std::vector<replication::raft::MemberId>& members) {
  auto out = json::array();
  for (const auto& member : members) out.push_back(member.node);
  return out;
}

HttpResponse shards(const cluster::NodeCore& core) {
  auto out = json::array();
  const auto& table = core.table();
  for (std::size_t i = 0; i < table.registers.size(); ++i) {
    const auto& entry = table.registers[i];
    const auto status = core.shards().find(ShardId{static_cast<std::uint16_t>(i)});
    out.push_back(
        {{"shard", i},
         {"epoch", entry.epoch.value},
         {"primary", entry.primary.empty() ? json(nullptr) : json(entry.primary)},
         {"in_sync", names(entry.in_sync)},
         {"replicas", names(entry.replicas)},
         {"successor", entry.moves() ? json(entry.successor.node) : json(nullptr)},
         {"min_in_sync", entry.min_in_sync},
         {"lag", entry.primary == core.name() && status != core.shards().end()
                     ? json(status->second.lag)
                     : json(nullptr)},
         {"phase_here",
          status == core.shards().end() ? json(nullptr) : json(phase_name(status->second.phase))}});
  }
  return {.body = json_text(out)};
}

HttpResponse ready(const cluster::NodeCore* core) {
  if (core == nullptr)
    return {.status = 503, .body = json_text({{"ready", false}, {"reason", "starting"}})};
  const auto state = core->readiness();
  if (!state.ready)
    return {.status = 503, .body = json_text({{"ready", false}, {"reason", state.reason}})};
  return {.body = json_text({{"ready", true}, {"degraded", state.degraded}})};
}

}  // namespace

HttpResponse answer_management(const transport::HttpRequest& request, const cluster::NodeCore* core,
                               const std::function<std::string()>& metrics) {
  if (request.method != "GET" && request.method != "HEAD")
    return problem(405, "only GET is offered here");
  const auto target = request.target.substr(0, request.target.find('?'));
  if (target == "/health/live") return {.body = json_text({{"live", true}})};
  if (target == "/health/ready") return ready(core);
  const bool known = target == "/metrics" || target == "/members" || target == "/shards";
  if (!known)
    return problem(
        404,
        "unknown path; there are /health/live, /health/ready, /metrics, /members, /shards, "
        "/placement, /placement/explain, /monitor, /events, /queries and /keys");
  if (core == nullptr) return problem(503, "starting");
  if (target == "/members") return members(*core);
  if (target == "/shards") return shards(*core);
  return {.content_type = "text/plain; version=0.0.4", .body = metrics()};
}

}  // namespace coterie
