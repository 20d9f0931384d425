#include "coterie/replication/record.hpp"

#include <xxhash.h>

#include "coterie/core/ensure.hpp"
#include "coterie/replication/crc32c.hpp"

namespace coterie::replication {
namespace {

constexpr std::uint16_t has_causation = 1;
constexpr std::uint16_t has_correlation = 2;
constexpr std::uint16_t has_trace = 4;
constexpr std::size_t length_offset = 4;  // the CRC covers everything from here on
constexpr std::size_t chain_offset = 8;
constexpr std::size_t kind_offset = 17;
constexpr std::size_t shard_offset = 22;
constexpr std::size_t index_offset = 32;
constexpr std::size_t body_offset = 16;  // the chain covers everything from here on

void append_command(Bytes& out, const CommandId& id) {
  append_le(out, id.high);
  append_le(out, id.low);
}

Error corrupt(const char* what) {
  return error(Errc::storage, std::string("journal record: ") + what);
}

/// Takes parts off the front; after the first one that does not fit everything is empty.
struct Cursor {
  ByteView rest;
  bool ok = true;
  ByteView take(std::size_t size) {
    if (!ok || size > rest.size()) return ok = false, ByteView{};
    const auto part = rest.first(size);
    rest = rest.subspan(size);
    return part;
  }
  std::optional<CommandId> command() {
    const auto part = take(16);
    if (!ok) return std::nullopt;
    return CommandId{load_le<std::uint64_t>(part.data()), load_le<std::uint64_t>(part.data() + 8)};
  }
};

}  // namespace

bool is_snapshot(ByteView bytes) {
  return bytes.size() > kind_offset &&
         bytes[kind_offset] == static_cast<std::uint8_t>(RecordKind::snapshot);
}

bool is_sound(ByteView bytes) {
  return bytes.size() >= record_header_bytes &&
         load_le<std::uint32_t>(bytes.data() + length_offset) == bytes.size() &&
         crc32c(bytes.subspan(length_offset)) == load_le<std::uint32_t>(bytes.data());
}

ShardId shard_of_record(ByteView bytes) {
  return ShardId{load_le<std::uint16_t>(bytes.data() + shard_offset)};
}
LogIndex index_of_record(ByteView bytes) {
  return LogIndex{load_le<std::uint64_t>(bytes.data() + index_offset)};
}

std::uint64_t chain_after(std::uint64_t previous_chain, ByteView bytes) {
  return XXH3_64bits_withSeed(bytes.data() + body_offset, bytes.size() - body_offset,
                              previous_chain);
}

std::uint64_t append_record(Bytes& out, const RecordView& r, std::uint64_t previous_chain) {
  COTERIE_ENSURE(r.entity.size() <= UINT8_MAX && r.events.size() <= max_events_per_command);
  const auto start = out.size();
  const auto sections =
      static_cast<std::uint16_t>((r.causation ? has_causation : 0) |
                                 (r.correlation ? has_correlation : 0) | (r.trace ? has_trace : 0));
  append_le(out, std::uint32_t{0});  // CRC, below
  append_le(out, std::uint32_t{0});  // length, below
  append_le(out, std::uint64_t{0});  // chain, below
  out.push_back(record_version);
  out.push_back(static_cast<std::uint8_t>(r.kind));
  append_le(out, sections);
  append_le(out, r.schema);
  append_le(out, r.shard.value);
  append_le(out, r.epoch.value);
  append_le(out, r.index.value);
  append_le(out, r.clock);
  append_le(out, r.sequence.value);
  append_le(out, r.previous.value);
  append_command(out, r.command);
  append_le(out, r.type.value);
  append_le(out, static_cast<std::uint16_t>(r.events.size()));
  out.push_back(static_cast<std::uint8_t>(r.entity.size()));
  out.push_back(0);
  append_le(out, static_cast<std::uint32_t>(r.reply.size()));
  append_le(out, std::uint32_t{0});
  COTERIE_ENSURE(out.size() - start == record_header_bytes);
  append(out, r.entity);
  if (r.causation) append_command(out, *r.causation);
  if (r.correlation) append_command(out, *r.correlation);
  if (r.trace) {
    append(out, r.trace->trace);
    append(out, r.trace->span);
    out.push_back(r.trace->flags);
  }
  for (const auto& event : r.events) {
    append_le(out, static_cast<std::uint32_t>(event.bytes.size()));
    out.push_back(event.tag);
    append(out, event.bytes);
  }
  append(out, r.reply);
  const auto length = out.size() - start;
  COTERIE_ENSURE(length <= max_record_bytes);
  auto* at = out.data() + start;
  store_le(at + 4, static_cast<std::uint32_t>(length));
  const auto chain = chain_after(previous_chain, ByteView(at, length));
  store_le(at + chain_offset, chain);
  store_le(at, crc32c(ByteView(at + 4, length - 4)));
  return chain;
}

Result<RecordView> read_record(ByteView bytes) {
  if (bytes.size() < record_header_bytes) return corrupt("shorter than its header");
  const auto* at = bytes.data();
  if (load_le<std::uint32_t>(at + length_offset) != bytes.size())
    return corrupt("length differs from what is stored");
  if (!is_sound(bytes)) return corrupt("CRC mismatch");
  if (at[16] != record_version) return corrupt("unknown version: written by a newer coterie");
  RecordView r;
  r.chain = load_le<std::uint64_t>(at + chain_offset);
  r.kind = static_cast<RecordKind>(at[17]);
  const auto sections = load_le<std::uint16_t>(at + 18);
  r.schema = load_le<std::uint16_t>(at + 20);
  r.shard = shard_of_record(bytes);
  r.epoch = Epoch{load_le<std::uint64_t>(at + 24)};
  r.index = index_of_record(bytes);
  r.clock = load_le<std::uint64_t>(at + 40);
  r.sequence = Sequence{load_le<std::uint64_t>(at + 48)};
  r.previous = LogIndex{load_le<std::uint64_t>(at + 56)};
  r.command = {load_le<std::uint64_t>(at + 64), load_le<std::uint64_t>(at + 72)};
  r.type = EntityTypeId{load_le<std::uint32_t>(at + 80)};
  const std::size_t events = load_le<std::uint16_t>(at + 84);
  const std::size_t entity_bytes = at[86];
  const std::size_t reply_bytes = load_le<std::uint32_t>(at + 88);
  Cursor in{bytes.subspan(record_header_bytes)};
  r.entity = in.take(entity_bytes);
  if (sections & has_causation) r.causation = in.command();
  if (sections & has_correlation) r.correlation = in.command();
  if (sections & has_trace) {
    const auto part = in.take(25);
    TraceParent trace;
    if (in.ok) {
      std::memcpy(trace.trace.data(), part.data(), 16);
      std::memcpy(trace.span.data(), part.data() + 16, 8);
      trace.flags = part[24];
    }
    r.trace = trace;
  }
  if (events > max_events_per_command) return corrupt("more events than one command may have");
  for (std::size_t i = 0; i < events && in.ok; ++i) {
    const auto head = in.take(5);
    if (in.ok) r.events.push_back({head[4], in.take(load_le<std::uint32_t>(head.data()))});
  }
  r.reply = in.take(reply_bytes);
  if (!in.ok || !in.rest.empty()) return corrupt("inner lengths disagree");
  return r;
}

}  // namespace coterie::replication
