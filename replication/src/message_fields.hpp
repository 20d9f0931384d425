/// What the messages of Raft and of the shard log have in common. Thread-safety: free functions.
#pragma once

#include <variant>

#include "coterie/replication/raft/types.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::replication {

inline constexpr std::size_t max_member_name = 255;
/// Of terms, epochs and indexes: no honest one gets there, and none of ours runs over.
inline constexpr std::uint64_t max_number = UINT64_MAX / 2;

namespace raft {

inline void write(wire::MsgpackWriter& out, const MemberId& id) {
  out.str(id.node);
  out.unsigned_integer(id.disk);
}

inline MemberId read_member(wire::MsgpackReader& in) {
  MemberId id;
  id.node = in.text(max_member_name);
  id.disk = in.unsigned_integer();
  return id;
}

}  // namespace raft

/// Makes the body be the alternative of that number; false if there is none.
template <class... Bodies>
bool choose(std::variant<Bodies...>& body, std::uint64_t kind) {
  std::uint64_t at = 0;
  ((at++ == kind ? (void)body.template emplace<Bodies>() : void()), ...);
  return kind < sizeof...(Bodies);
}

}  // namespace coterie::replication
