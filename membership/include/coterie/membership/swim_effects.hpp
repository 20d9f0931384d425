/// What the SWIM core wants done, as values. Thread-safety: value types.
#pragma once

#include <variant>
#include <vector>

#include "coterie/core/log.hpp"
#include "coterie/membership/member.hpp"

namespace coterie::membership {

struct SendDatagram {
  Address to{};
  Bytes bytes{};
  friend bool operator==(const SendDatagram&, const SendDatagram&) = default;
};
/// Dial `to` and write `bytes`; the answer comes back by stream_received().
struct OpenStream {
  ConnId stream{};
  Address to{};
  Bytes bytes{};
  friend bool operator==(const OpenStream&, const OpenStream&) = default;
};
struct WriteStream {
  ConnId stream{};
  Bytes bytes{};
  friend bool operator==(const WriteStream&, const WriteStream&) = default;
};
/// Close after what was written has gone out.
struct CloseStream {
  ConnId stream{};
  friend bool operator==(const CloseStream&, const CloseStream&) = default;
};
/// The observer's view of `member` changed: state, address or metadata.
struct MemberChanged {
  Member member{};
  bool state_changed = false;
  friend bool operator==(const MemberChanged&, const MemberChanged&) = default;
};
/// Our leave has been broadcast, or its time-out passed.
struct LeaveFinished {
  friend bool operator==(const LeaveFinished&, const LeaveFinished&) = default;
};

using SwimEffect = std::variant<SendDatagram, OpenStream, WriteStream, CloseStream, MemberChanged,
                                LeaveFinished, LogEvent>;
using SwimEffects = std::vector<SwimEffect>;

/// Counters of one core; monotone.
struct SwimCounters {
  std::uint64_t datagrams_in{}, datagrams_out{}, bytes_in{}, bytes_out{};
  std::uint64_t malformed{};    ///< datagrams, parts or streams that did not decode
  std::uint64_t unsupported{};  ///< well-formed types that we do not speak yet
  std::uint64_t probes{}, probe_failures{}, suspicions{}, deaths{}, refutations{};
  std::uint64_t conflicts{};   ///< another address claims a known name
  std::uint64_t pauses{};      ///< of this process, noticed by itself
  std::uint64_t over_limit{};  ///< refused by a bound: streams, members, relays
  friend bool operator==(const SwimCounters&, const SwimCounters&) = default;
};

}  // namespace coterie::membership
