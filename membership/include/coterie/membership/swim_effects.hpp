/// What the SWIM core wants done, as values. Thread-safety: value types.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "coterie/core/log.hpp"
#include "coterie/gossip/shared_state.hpp"
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
/// What a member says of itself beyond its metadata; empty if it is not known any more.
struct MemberDetails {
  std::string name{};
  Bytes details{};
  friend bool operator==(const MemberDetails&, const MemberDetails&) = default;
};
/// A value of the shared state changed, here or elsewhere.
struct SharedChanged {
  gossip::SharedView value{};
  friend bool operator==(const SharedChanged&, const SharedChanged&) = default;
};
/// Somebody broadcast an event, perhaps we.
struct UserEvent {
  std::uint64_t time{};  ///< Lamport time: of two events, the later one was broadcast knowing more
  std::string name{};
  Bytes payload{};
  bool coalesce = false;  ///< of several with this name the last one is enough
  friend bool operator==(const UserEvent&, const UserEvent&) = default;
};
/// Somebody asks the pool, perhaps we; answer(query) until the deadline, or stay silent.
struct QueryAsked {
  std::uint64_t query{};
  std::string name{};
  Bytes payload{};
  std::string from{};
  Instant deadline{};
  friend bool operator==(const QueryAsked&, const QueryAsked&) = default;
};
/// A member answered our query.
struct QueryAnswer {
  std::uint64_t query{};
  std::string from{};
  Bytes payload{};
  friend bool operator==(const QueryAnswer&, const QueryAnswer&) = default;
};
/// Our query is over; no more answers follow.
struct QueryFinished {
  std::uint64_t query{};
  std::uint64_t heard_by{};  ///< members that acknowledged it, whether or not they answered
  std::uint64_t answers{};
  bool refused = false;  ///< it was never asked: too many are open, or the pool knows no queries
  friend bool operator==(const QueryFinished&, const QueryFinished&) = default;
};
/// Our leave has been broadcast, or its time-out passed.
struct LeaveFinished {
  friend bool operator==(const LeaveFinished&, const LeaveFinished&) = default;
};

using SwimEffect = std::variant<SendDatagram, OpenStream, WriteStream, CloseStream, MemberChanged,
                                UserEvent, QueryAsked, QueryAnswer, QueryFinished, LeaveFinished,
                                MemberDetails, SharedChanged, LogEvent>;
using SwimEffects = std::vector<SwimEffect>;

/// Counters of one core; monotone.
struct SwimCounters {
  std::uint64_t datagrams_in{}, datagrams_out{}, bytes_in{}, bytes_out{};
  std::uint64_t malformed{};    ///< datagrams, parts or streams that did not decode
  std::uint64_t unsupported{};  ///< well-formed types that we do not speak yet
  std::uint64_t probes{}, probe_failures{}, suspicions{}, deaths{}, refutations{};
  std::uint64_t conflicts{};   ///< another address claims a known name
  std::uint64_t step_downs{};  ///< of this member, which found itself at fault
  std::uint64_t pauses{};      ///< of this process, noticed by itself
  std::uint64_t starved{};     ///< times that others had the processor for a fifth and more
  std::uint64_t over_limit{};  ///< refused by a bound: streams, members, relays
  friend bool operator==(const SwimCounters&, const SwimCounters&) = default;
};

}  // namespace coterie::membership
