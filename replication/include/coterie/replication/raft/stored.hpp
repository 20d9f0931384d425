/// What a Persist does to what a disk holds: the meaning that every storage has to give it.
/// Thread-safety: a pure function.
#pragma once

#include "coterie/replication/raft/effects.hpp"

namespace coterie::replication::raft {

void write(Stored& disk, const Persist& batch);

}  // namespace coterie::replication::raft
