/// What a ShardCore counted since it began. Thread-safety: a value.
#pragma once

#include <cstdint>

namespace coterie::cluster {

struct ShardCounters {
  std::uint64_t commands{}, events{}, duplicates{}, refusals{}, faults{}, restarts{}, activations{},
      passivations{};
  std::uint64_t busy{}, unavailable{}, expired{}, timeouts{}, journal_failures{}, moved{};
  std::uint64_t command_expired{};
  std::uint64_t handed_over{}, forwarded{}, fences_lost{}, resent{};
  std::uint64_t snapshots{}, snapshots_skipped{};
  std::uint64_t remembered{};  ///< activations that no command asked for
  std::uint64_t checkpoints{}, trims{}, begun_anew{};
  std::uint64_t damages{}, renewals{};
  /// Of commands between nodes: received = delivered + rejected + late + relayed + those that wait.
  std::uint64_t sent{}, received{}, delivered{}, rejected{}, late{}, relayed{};
  std::uint64_t without_credit{};  ///< not sent at once: refused as busy, or waited

  ShardCounters& operator+=(const ShardCounters& o) {
    commands += o.commands, events += o.events, duplicates += o.duplicates;
    refusals += o.refusals, faults += o.faults, restarts += o.restarts;
    activations += o.activations, passivations += o.passivations, busy += o.busy;
    unavailable += o.unavailable, expired += o.expired, timeouts += o.timeouts;
    journal_failures += o.journal_failures, moved += o.moved;
    command_expired += o.command_expired, handed_over += o.handed_over;
    forwarded += o.forwarded, fences_lost += o.fences_lost, resent += o.resent;
    snapshots += o.snapshots, snapshots_skipped += o.snapshots_skipped;
    remembered += o.remembered;
    checkpoints += o.checkpoints, trims += o.trims, begun_anew += o.begun_anew;
    damages += o.damages, renewals += o.renewals;
    sent += o.sent, received += o.received, delivered += o.delivered;
    rejected += o.rejected, late += o.late, relayed += o.relayed;
    without_credit += o.without_credit;
    return *this;
  }
};

}  // namespace coterie::cluster
