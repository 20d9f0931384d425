/// Delta CRDTs as msgpack: docs/WIRE.md, "Shared state". Private to gossip.
#pragma once

#include "coterie/gossip/shared_state.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::gossip {

/// Lamport times and numbers of writes end here, so that a hostile one cannot wrap ours around.
inline constexpr std::uint64_t last_number = UINT64_MAX / 2;

void write(wire::MsgpackWriter& out, const SharedValue& value);
/// The reader says whether it was one.
[[nodiscard]] SharedValue read(wire::MsgpackReader& in, SharedKind kind);

}  // namespace coterie::gossip
