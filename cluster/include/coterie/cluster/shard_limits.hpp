/// The bounds of a worker's data plane, each with its unit: what waits is counted, what is read is
/// cut, what is late is given up. Thread-safety: constants.
#pragma once

#include <cstddef>
#include <cstdint>

#include "coterie/core/time.hpp"

namespace coterie::cluster {

/// Commands that wait for a table, a recovery or an activation, per worker; more is `busy`.
inline constexpr std::size_t max_parked_commands = 65'536;
inline constexpr std::size_t max_parked_bytes = 64 * 1024 * 1024;
/// Entities whose restarts are watched at once, per worker; the longest quiet ones are forgotten.
inline constexpr std::size_t max_watched_faults = 4096;

/// Records that wait for their commit and answers that wait behind them, per worker; more is
/// `busy`.
inline constexpr std::size_t max_uncommitted_bytes = 64 * 1024 * 1024;
inline constexpr std::size_t max_held_bytes = 64 * 1024 * 1024;
/// A shard whose disk failed tries it again after this.
inline constexpr Duration reopen_pause = 500ms;
/// Commands wait so long for it to be led again, then they are told at once.
inline constexpr Duration reopen_patience = 1s;
/// A copy that cannot serve gives its shard to another one: again only after so long, where no
/// other one's disk is well.
inline constexpr Duration give_up_pause = 5s;
/// Steps 3 and 4 of a planned move take no longer, or this node leads on.
inline constexpr Duration drain_limit = 500ms;
/// Where the own disk stalls an end is put to it only after so long: what it has begun to write
/// takes longer. Then another one leads on without it.
inline constexpr Duration slow_drain_limit = 5s;
/// After that it is tried again.
inline constexpr Duration hand_off_pause = 1s;
/// Who handed a shard over sends on what still comes to it for so long, then it says who leads.
inline constexpr Duration forward_for = 2s;
/// A command of an epoch that is not known here yet waits so long for the news.
inline constexpr Duration news_wait = 5s;
/// No honest word is so many epochs ahead of what is known.
inline constexpr std::uint64_t max_epoch_lead = 1 << 20;
/// A fence that has not passed by then is given up, and what was sent before it is asked for again:
/// longer than a switch takes.
inline constexpr Duration fence_wait = 1s;
/// Commands wait so long for somebody to lead their shard: a fail-over takes 0.2 to 0.8 s, and
/// twice that if the next owner falls as well. Then they are told, and later ones at once.
inline constexpr Duration reroute_wait = 2s;
/// Places for the order of the newest command to each entity, per worker: 512 KiB. With a thousand
/// asks in flight one of sixty shares its place with a later one.
inline constexpr std::size_t newest_sent_places = 65'536;
/// A command whose owner fell so often is not sent again.
inline constexpr std::uint8_t max_sends = 8;
/// How often people are told how far copies are behind.
inline constexpr Duration lag_interval = 1s;
/// Of the log, read at once for a replica that lags or for a copy's own view of it.
inline constexpr std::size_t log_part_bytes = 256 * 1024;
/// How far the time in a command id may lie ahead of the owner's clock: ids of the future would
/// push the window past those of everybody else.
inline constexpr Duration max_clock_lead = 60s;
/// Remembered entities come back to memory after a recovery or a move at no more than 1,000 a
/// second and worker, so that commands have the disk; a million records are looked through in ten
/// seconds.
inline constexpr Duration remember_interval = 100ms;
inline constexpr std::size_t remembered_at_once = 100;
inline constexpr std::size_t remember_scan = 10'000;
/// Before a log is trimmed each of its entities has a new snapshot: so many come from the disk at
/// once for that, and so many are looked through.
inline constexpr Duration trim_interval = 100ms;
inline constexpr std::size_t saved_at_once = 100;
inline constexpr std::size_t checkpoints_at_once = 4;  ///< up to 3.7 MiB each
inline constexpr std::size_t trim_scan = 10'000;
/// A larger state is not snapshotted: its entity is read from its events.
inline constexpr std::size_t max_snapshot_bytes = 1024 * 1024;

}  // namespace coterie::cluster
