#include "coterie/replication/checkpoint.hpp"

#include <cstdint>

#include "coterie/replication/record.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::replication {
namespace {

constexpr std::uint8_t checkpoint_version = 1;
constexpr std::uint32_t fields = 4;
constexpr std::uint32_t entry_fields = 7;
constexpr std::uint32_t max_fields = 32;  // more than we know is skipped
// An entry's numbers with their tags, and the length of its reply.
constexpr std::size_t most_of_an_entry = 1 + 5 * 9 + 5 + 1;
static_assert(max_remembered_commands * most_of_an_entry + max_remembered_bytes + 64 +
                  record_header_bytes <=
              max_record_bytes);

}  // namespace

Bytes encode_checkpoint(Epoch previous_epoch, const DuplicateTable& duplicates) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(fields);
  out.unsigned_integer(checkpoint_version);
  out.unsigned_integer(previous_epoch.value);
  out.unsigned_integer(duplicates.horizon());
  out.array(static_cast<std::uint32_t>(duplicates.entries().size()));
  for (const auto& entry : duplicates.entries()) {
    out.array(entry_fields);
    out.unsigned_integer(entry.command.high);
    out.unsigned_integer(entry.command.low);
    out.unsigned_integer(entry.index.value);
    out.unsigned_integer(entry.sequence.value);
    out.unsigned_integer(entry.epoch.value);
    out.bin(view(entry.reply));
    out.boolean(entry.reply_dropped);
  }
  return bytes;
}

std::optional<Checkpoint> decode_checkpoint(ByteView bytes) {
  wire::MsgpackReader in(bytes);
  if (in.array(max_fields) < fields || in.unsigned_integer() != checkpoint_version)
    return std::nullopt;
  Checkpoint out;
  out.previous_epoch = Epoch{in.unsigned_integer()};
  const auto horizon = in.unsigned_integer();
  const auto count = in.array(max_remembered_commands);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto has = in.array(max_fields);
    if (has < entry_fields) return std::nullopt;
    Remembered entry;
    entry.command.high = in.unsigned_integer();
    entry.command.low = in.unsigned_integer();
    entry.index = LogIndex{in.unsigned_integer()};
    entry.sequence = Sequence{in.unsigned_integer()};
    entry.epoch = Epoch{in.unsigned_integer()};
    entry.reply = std::string(in.text(max_record_bytes));
    entry.reply_dropped = in.boolean();
    for (auto more = entry_fields; more < has; ++more) in.skip();
    out.duplicates.remember(std::move(entry));
  }
  if (!in.ok()) return std::nullopt;
  out.duplicates.forgets_up_to(horizon);
  return out;
}

}  // namespace coterie::replication
