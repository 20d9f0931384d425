/// What is known of one copy's damage (cluster/src/shard_repair.cpp). Thread-safety: a value.
#pragma once

#include <cstdint>

#include "coterie/core/ids.hpp"

namespace coterie::cluster {

struct CopyDamage {
  std::uint64_t renewals{};  ///< of this copy, so far
  bool damaged = false;      ///< the log had more records; it comes back under another name
  bool suspect = false;      ///< it may lack its last record
  LogIndex sound_to{};       ///< of a damaged log
  Epoch damaged_in{};        ///< what was known when that was found
  Epoch led_in{};            ///< another one was heard to lead, which has all that is committed
  std::uint64_t renewing{};  ///< the batch of the cut that is on its way; 0: none is
};

}  // namespace coterie::cluster
