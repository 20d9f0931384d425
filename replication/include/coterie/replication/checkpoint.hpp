/// What a log can begin with: everything that its copies know from the records before and that the
/// records behind do not say. Entities are not in it: who trims up to it has a snapshot of each
/// behind it. docs/JOURNAL.md specifies the bytes. Source: placement contract, invariants 12
/// and 14; docs/adr/0013-trimming.md. Thread-safety: values.
#pragma once

#include <optional>

#include "coterie/replication/duplicate_table.hpp"

namespace coterie::replication {

struct Checkpoint {
  Epoch previous_epoch{};  ///< of the record before it
  DuplicateTable duplicates{};
};

/// At most 3.7 MiB: less than a record has room for.
[[nodiscard]] Bytes encode_checkpoint(Epoch previous_epoch, const DuplicateTable& duplicates);
/// Nothing if the bytes are no checkpoint.
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(ByteView bytes);

}  // namespace coterie::replication
