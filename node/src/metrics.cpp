#include "metrics.hpp"

#include <algorithm>

#include "coterie/transport/event_loop.hpp"

namespace coterie {
namespace {

/// A label's value as the text format wants it; names come from strangers.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f) out += c;
    else out += '?';
  }
  return out;
}

struct Text {
  std::string out{};
  void family(const char* name, const char* type, const char* help) {
    out += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
  }
  void sample(const std::string& series, std::uint64_t value) {
    out += series + " " + std::to_string(value) + "\n";
  }
  void counter(const char* name, const char* help, std::uint64_t value) {
    family(name, "counter", help);
    sample(name, value);
  }
  void gauge(const char* name, const char* help, std::uint64_t value) {
    family(name, "gauge", help);
    sample(name, value);
  }
};

/// Series a member would grow with the pool: the most suspicious ones are what an alert needs.
constexpr std::size_t most_suspicious = 16;

void phi_metrics(Text& text, const cluster::NodeCore& core) {
  std::vector<std::pair<double, std::string>> phis;
  for (const auto& info : core.members(transport::EventLoop::now()))
    if (info.member.is_present()) phis.emplace_back(info.phi, info.member.name);
  std::sort(phis.rbegin(), phis.rend());
  text.family("coterie_phi", "gauge",
              "Phi of the members whose silence is most suspicious: -log10 P(it lives).");
  for (std::size_t i = 0; i < std::min(most_suspicious, phis.size()); ++i)
    text.out += "coterie_phi{member=\"" + escaped(phis[i].second) + "\"} " +
                std::to_string(phis[i].first) + "\n";
}

void membership_metrics(Text& text, const cluster::NodeCore& core) {
  std::uint64_t by_state[4] = {};
  for (const auto& member : core.swim().members())
    ++by_state[static_cast<std::size_t>(member.state)];
  text.family("coterie_members", "gauge", "Members by state as this node sees them.");
  for (std::size_t i = 0; i < 4; ++i) {
    const auto state = membership::to_string(static_cast<membership::MemberState>(i));
    text.sample("coterie_members{state=\"" + std::string(state) + "\"}", by_state[i]);
  }
  phi_metrics(text, core);
  const auto& c = core.swim().counters();
  text.counter("coterie_gossip_datagrams_received_total", "Gossip datagrams received.",
               c.datagrams_in);
  text.counter("coterie_gossip_datagrams_sent_total", "Gossip datagrams sent.", c.datagrams_out);
  text.counter("coterie_gossip_received_bytes_total", "Gossip bytes received by UDP.", c.bytes_in);
  text.counter("coterie_gossip_sent_bytes_total", "Gossip bytes sent by UDP.", c.bytes_out);
  text.counter("coterie_gossip_malformed_total", "Gossip messages that did not decode.",
               c.malformed);
  text.counter("coterie_gossip_refused_total",
               "Gossip refused by a layer: label, key, checksum, compression.",
               core.swim().refusals());
  text.counter("coterie_gossip_unsupported_total", "Gossip messages of a type not spoken here.",
               c.unsupported);
  text.counter("coterie_gossip_over_limit_total", "Gossip input refused by a bound.", c.over_limit);
  text.counter("coterie_probes_total", "Probes started.", c.probes);
  text.counter("coterie_probe_failures_total", "Probes without an answer.", c.probe_failures);
  text.counter("coterie_suspicions_total", "Suspicions raised or learned.", c.suspicions);
  text.counter("coterie_deaths_total", "Members declared dead.", c.deaths);
  text.counter("coterie_refutations_total", "Claims about this node that it refuted.",
               c.refutations);
  text.counter("coterie_pauses_total", "Pauses of this process, noticed by itself.", c.pauses);
  text.counter("coterie_starved_total", "Seconds of which others had the processor for a fifth.",
               c.starved);
  text.counter("coterie_step_downs_total", "Times this member found its own network at fault.",
               c.step_downs);
  text.gauge("coterie_in_office", "0 while this member holds itself at fault.",
             core.swim().in_office() ? 1 : 0);
  text.gauge("coterie_health_score", "Lifeguard's local health: 0 is well.", core.swim().health());
  text.counter("coterie_name_conflicts_total", "Claims of a known name by another address.",
               c.conflicts);
}

void registers_metrics(Text& text, const cluster::NodeCore& core) {
  const auto* const store = core.meta_store();
  if (store == nullptr) return;
  const auto& raft = store->raft();
  text.gauge("coterie_registers_leads", "1 while this node leads the placement registers.",
             raft.leads() ? 1 : 0);
  text.gauge("coterie_registers_leader_known", "0: the registers have no leader that we know of.",
             core.registers_leader().empty() ? 0 : 1);
  text.gauge("coterie_registers_term", "Raft term of the placement registers.", raft.term().value);
  text.gauge("coterie_registers_committed", "Index committed in the registers' log.",
             raft.commit().value);
  text.gauge("coterie_registers_voters", "Voters of the registers' group, as known here.",
             raft.configuration().voters.size());
}

/// Of commands between nodes.
void flow_metrics(Text& text, const cluster::ShardCounters& c) {
  text.counter("coterie_requests_sent_total", "Commands sent to other nodes.", c.sent);
  text.counter("coterie_requests_received_total",
               "Commands of other nodes: delivered, rejected, late, relayed, or they wait.",
               c.received);
  text.counter("coterie_requests_delivered_total", "Of those, decided by their entity.",
               c.delivered);
  text.counter("coterie_requests_rejected_total", "Of those, refused with a reason.", c.rejected);
  text.counter("coterie_requests_late_total", "Of those, expired before they were decided.",
               c.late);
  text.counter("coterie_requests_relayed_total", "Of those, sent on to their shard's next primary.",
               c.relayed);
  text.counter("coterie_without_credit_total",
               "Commands not sent at once: their owner has too much under way.", c.without_credit);
}

}  // namespace

std::string exposition(const cluster::NodeCore& core, const std::vector<DataSnapshot>& data,
                       const storage::StripeCounters& journal) {
  Text text;
  const auto state = core.readiness();
  text.gauge("coterie_ready", "1 if the node serves.", state.ready ? 1 : 0);
  text.gauge("coterie_degraded", "Number of reasons why the node serves less than everything.",
             state.degraded.size());
  text.counter("coterie_part_restarts_total", "Parts of the node restarted by its supervisor.",
               core.part_restarts());
  membership_metrics(text, core);
  registers_metrics(text, core);
  std::uint64_t serving = 0;
  for (const auto& [shard, status] : core.shards())
    serving += status.phase == cluster::ShardPhase::serving ? 1 : 0;
  text.gauge("coterie_shards_serving", "Shards served by this node.", serving);
  cluster::ShardCounters c;
  auto links = core.link_counters();
  std::uint64_t known = 0;
  std::uint64_t active = 0;
  std::uint64_t parked = 0;
  for (const auto& d : data) {
    c += d.counters;
    links.frames_in += d.links.frames_in, links.frames_out += d.links.frames_out,
        links.bytes_in += d.links.bytes_in;
    links.bytes_out += d.links.bytes_out, links.malformed += d.links.malformed,
        links.refused += d.links.refused;
    links.over_limit += d.links.over_limit, links.reconnects += d.links.reconnects;
    known += d.entities_known, active += d.entities_active, parked += d.parked;
  }
  text.gauge("coterie_entities_known", "Entities with a log on this node.", known);
  text.gauge("coterie_entities_active", "Entities in memory.", active);
  text.gauge("coterie_commands_parked", "Commands that wait for a recovery or an activation.",
             parked);
  text.counter("coterie_commands_total", "Commands received.", c.commands);
  text.counter("coterie_events_total", "Events persisted.", c.events);
  text.counter("coterie_duplicates_total", "Commands answered from the duplicate table.",
               c.duplicates);
  text.counter("coterie_refusals_total", "Commands that an entity refused.", c.refusals);
  text.counter("coterie_entity_faults_total", "Entity handlers that failed.", c.faults);
  text.counter("coterie_entity_restarts_total", "Entities restarted from their log.", c.restarts);
  text.counter("coterie_activations_total", "Entities brought into memory.", c.activations);
  text.counter("coterie_remembered_total",
               "Entities brought into memory that no command asked for.", c.remembered);
  text.counter("coterie_passivations_total", "Idle entities taken out of memory.", c.passivations);
  text.counter("coterie_busy_total", "Commands refused by a bound.", c.busy);
  text.counter("coterie_unavailable_total", "Commands for shards that nobody served.",
               c.unavailable);
  text.counter("coterie_expired_total", "Commands whose deadline passed before they were decided.",
               c.expired);
  text.counter("coterie_command_expired_total",
               "Commands whose id is older than the duplicate window.", c.command_expired);
  text.counter("coterie_timeouts_total", "Asks without an answer before their deadline.",
               c.timeouts);
  text.counter("coterie_snapshots_total", "Entity snapshots written.", c.snapshots);
  text.counter("coterie_snapshots_skipped_total",
               "Snapshots not written: the state is too large, or its code threw.",
               c.snapshots_skipped);
  text.counter("coterie_checkpoints_total", "Checkpoints written, from which logs may begin.",
               c.checkpoints);
  text.counter("coterie_trims_total", "Times that a copy's log was trimmed.", c.trims);
  text.counter("coterie_begun_anew_total",
               "Copies that lacked what the others had trimmed, and began anew.", c.begun_anew);
  text.counter("coterie_handed_over_total", "Shards handed over by a planned move.", c.handed_over);
  text.counter("coterie_forwarded_total", "Commands sent on to a shard's next primary.",
               c.forwarded);
  text.counter("coterie_fences_lost_total", "Moves of which a sender's fence was given up.",
               c.fences_lost);
  text.counter("coterie_commands_resent_total",
               "Commands that were sent again, to the next owner of their shard.", c.resent);
  text.counter("coterie_moved_total", "Stale routes corrected.", c.moved);
  text.counter("coterie_journal_failures_total", "Groups that the disk refused.",
               c.journal_failures);
  flow_metrics(text, c);
  text.counter("coterie_damaged_copies_total",
               "Copies of shards whose log on this disk had lost something.", c.damages);
  text.counter("coterie_renewed_copies_total", "Of those, how many were made anew from others.",
               c.renewals);
  text.counter("coterie_journal_commits_total", "Group commits.", journal.commits);
  text.counter("coterie_journal_records_total", "Records committed.", journal.records);
  text.counter("coterie_journal_written_bytes_total", "Bytes of records committed.", journal.bytes);
  text.counter("coterie_link_frames_received_total", "Frames received on lanes.", links.frames_in);
  text.counter("coterie_link_frames_sent_total", "Frames sent on lanes.", links.frames_out);
  text.counter("coterie_link_received_bytes_total", "Bytes received on lanes.", links.bytes_in);
  text.counter("coterie_link_sent_bytes_total", "Bytes sent on lanes.", links.bytes_out);
  text.counter("coterie_link_malformed_total", "Lanes closed for bytes that are no frame.",
               links.malformed);
  text.counter("coterie_link_refused_total", "Handshakes refused.", links.refused);
  text.counter("coterie_link_over_limit_total", "Frames and strangers refused by a bound.",
               links.over_limit);
  text.counter("coterie_link_reconnects_total", "Lanes dialled again.", links.reconnects);
  return std::move(text.out);
}

}  // namespace coterie
