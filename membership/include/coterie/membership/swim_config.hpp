/// SWIM's parameters with memberlist's LAN defaults (memberlist wire protocol, section 12).
/// Thread-safety: a value type.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "coterie/core/time.hpp"
#include "coterie/membership/lifeguard.hpp"
#include "coterie/membership/packet_layer.hpp"

namespace coterie::membership {

struct SwimConfig {
  Duration probe_interval = 1s;       ///< one probe each; SWIM section 3.1, T'
  Duration probe_timeout = 500ms;     ///< until indirect probes start; below probe_interval
  std::uint32_t indirect_checks = 3;  ///< helpers asked; SWIM section 3.1, k
  Duration gossip_interval = 200ms;   ///< one round of piggybacked broadcasts
  std::uint32_t gossip_nodes = 3;     ///< fan-out of a round
  Duration gossip_to_the_dead = 30s;  ///< how long a dead member still gets gossip: it may refute
  std::uint32_t retransmit_mult = 4;  ///< lambda; see gossip::retransmit_limit
  std::uint32_t suspicion_mult = 4;   ///< alpha; see suspicion_timeout()
  Duration push_pull_interval = 30s;  ///< full state exchange with one random member
  Duration reconnect_interval = 20s;  ///< a dead member is tried again, in case a split healed
  Duration stream_timeout = 10s;      ///< one TCP exchange, dial to close
  Duration join_retry_min = 250ms;    ///< first pause between attempts to reach a seed
  Duration join_retry_max = 5s;       ///< the pause doubles up to here, for ever
  Duration tombstone_time = 24h;      ///< how long dead and left members stay listed
  Duration reclaim_time = 10s;        ///< after this a dead name may return from another address
  Duration leave_timeout = 2s;        ///< the leave is broadcast for at most this long
  std::size_t packet_bytes = 1400;    ///< one datagram; below every common path MTU
  PacketConfig packet{};              ///< label, keys, compression
  LifeguardConfig lifeguard{};
};

/// memberlist's profiles, section 12: "lan" (the defaults), "wan" or "local"; nullopt for another
/// name.
[[nodiscard]] std::optional<SwimConfig> swim_profile(std::string_view name);

/// A newcomer's state exchanges beyond the join: when many start at once, gossip alone leaves pairs
/// that do not know each other until the next regular exchange (memberlist: up to 89 s). The first
/// comes after settle_pause, each further one after twice as long, up to settle_pause_max. Who
/// finds a difference goes on until settle_agreed in a row find none, since one other may lack whom
/// we lack; but not for ever: a pool that changes all the time never agrees.
inline constexpr std::uint32_t settle_exchanges = 3;
inline constexpr std::uint32_t settle_agreed = 2;
inline constexpr std::uint32_t settle_exchanges_max = 12;
inline constexpr Duration settle_pause = 300ms;
inline constexpr Duration settle_pause_max = 2400ms;

/// A suspect is asked so often for a last word before it is declared dead, and so far apart. At 20
/// % loss of every packet one exchange in 20 fails three times.
inline constexpr std::int32_t last_words = 3;
inline constexpr Duration last_word_pause = 300ms;

/// Streams open at once, inbound and outbound; memberlist allows 128 inbound.
inline constexpr std::size_t max_streams = 128;
/// Bytes one stream may send us: 65,536 nodes of about 128 B fit; a hostile stream costs no more.
inline constexpr std::size_t max_stream_bytes = 8 * 1024 * 1024;
/// Members one observer keeps; beyond it a newcomer is refused and counted.
inline constexpr std::size_t max_members = 65'536;
/// Members that a stream of somebody who dialled us may bring, beside as many as we know: more wait
/// for the next exchange.
inline constexpr std::size_t inbound_newcomers = 1024;
/// Pings relayed for others at once; overflow is dropped, the asker simply gets no answer.
inline constexpr std::size_t max_relays = 1024;

/// suspicion_mult * max(1, log10 n) * probe_interval; memberlist wire protocol, section 11.4.
/// Lifeguard starts at suspicion_max_mult times this and shrinks to it.
[[nodiscard]] Duration suspicion_timeout(const SwimConfig& config, std::size_t members);

}  // namespace coterie::membership
