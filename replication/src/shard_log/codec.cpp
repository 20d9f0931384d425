#include "coterie/replication/shard_log/codec.hpp"

#include "../message_fields.hpp"
#include "coterie/replication/record.hpp"

namespace coterie::replication::shard_log {
namespace {

constexpr std::uint32_t head_fields = 5;
constexpr std::uint32_t message_fields = 4;
constexpr std::uint64_t max_lease_us = 3'600'000'000;  // an hour: no honest lease is as long
constexpr std::uint32_t max_fields = 32;               // of one array; more than we know is skipped

/// The fields of each body in the order of the format, once for both ways.
struct Writer {
  wire::MsgpackWriter& out;
  void operator()(const Append& m) {
    out.array(m.discards ? 7 : m.begins ? 6 : 5);
    out.unsigned_integer(m.previous.value);
    out.unsigned_integer(m.previous_epoch.value);
    out.unsigned_integer(m.commit.value);
    out.unsigned_integer(m.number);
    out.array(static_cast<std::uint32_t>(m.entries.size()));
    for (const auto& entry : m.entries) {
      out.array(3);
      out.unsigned_integer(entry.epoch.value);
      out.boolean(entry.barrier);
      out.bin(entry.record);
    }
    if (m.begins || m.discards) out.boolean(m.begins);
    if (m.discards) out.boolean(true);
  }
  void operator()(const Accepted& m) {
    out.array(2);
    out.unsigned_integer(m.match.value);
    out.unsigned_integer(m.number);
  }
  void operator()(const Refused& m) {
    out.array(3);
    out.unsigned_integer(m.promised.value);
    out.unsigned_integer(m.hint.value);
    out.unsigned_integer(m.number);
  }
  template <class Round>
  void round(const Round& m) {
    const bool leases = m.lease != Duration{};
    out.array(leases ? 2 : 1);
    out.unsigned_integer(m.round);
    if (leases) out.unsigned_integer(static_cast<std::uint64_t>(m.lease / 1us));
  }
  void operator()(const Confirm& m) { round(m); }
  void operator()(const Confirmed& m) { round(m); }
  void operator()(const Release&) { out.array(0); }
};

struct Reader {
  wire::MsgpackReader& in;
  std::uint32_t count;
  std::uint32_t known = 0;  ///< of these
  [[nodiscard]] bool takes(std::uint32_t wanted) {
    if (wanted > count) return false;
    known = wanted;
    return true;
  }
  [[nodiscard]] std::uint64_t number() { return in.unsigned_integer(max_number); }

  bool operator()(Append& m) {
    if (!takes(5)) return false;
    m.previous = LogIndex{number()};
    m.previous_epoch = Epoch{number()};
    m.commit = LogIndex{number()};
    m.number = number();
    const auto entries = in.array(max_entries);
    for (std::uint32_t i = 0; i < entries && in.ok(); ++i) {
      if (in.array(3) != 3) return false;
      Entry entry;
      entry.epoch = Epoch{number()};
      entry.barrier = in.boolean();
      entry.record = to_bytes(in.bytes(max_record_bytes));
      m.entries.push_back(std::move(entry));
    }
    if (takes(6)) m.begins = in.boolean();
    if (takes(7)) m.discards = in.boolean();
    return true;
  }
  bool operator()(Accepted& m) {
    if (!takes(2)) return false;
    m.match = LogIndex{number()};
    m.number = number();
    return true;
  }
  bool operator()(Refused& m) {
    if (!takes(3)) return false;
    m.promised = Epoch{number()};
    m.hint = LogIndex{number()};
    m.number = number();
    return true;
  }
  /// Who knows no leases says the round alone.
  template <class Round>
  bool round(Round& m) {
    if (!takes(1)) return false;
    m.round = number();
    if (takes(2)) m.lease = std::chrono::microseconds(in.unsigned_integer(max_lease_us));
    return true;
  }
  bool operator()(Confirm& m) { return round(m); }
  bool operator()(Confirmed& m) { return round(m); }
  bool operator()(Release&) { return takes(0); }
};

}  // namespace

BatchWriter::BatchWriter(const Replica& from, const Replica& to) {
  wire::MsgpackWriter out(bytes_);
  out.array(head_fields);
  out.unsigned_integer(message_version);
  write(out, from);
  write(out, to);
}

void BatchWriter::add(ShardId shard, const Message& message) {
  wire::MsgpackWriter out(bytes_);
  out.array(message_fields);
  out.unsigned_integer(message.body.index());
  out.unsigned_integer(shard.value);
  out.unsigned_integer(message.epoch.value);
  std::visit(Writer{out}, message.body);
}

BatchReader::BatchReader(ByteView bytes) : in_(bytes) {
  const auto count = in_.array(max_fields);
  if (count < head_fields || in_.unsigned_integer() != message_version) return;
  next_.message.from = raft::read_member(in_);
  next_.message.to = raft::read_member(in_);
  for (auto i = head_fields; i < count; ++i) in_.skip();
  ok_ = in_.ok();
}

const ShardMessage* BatchReader::next() {
  if (!ok_ || in_.at_end()) return nullptr;
  ok_ = false;
  if (in_.position() > max_batch_bytes) return nullptr;
  const auto count = in_.array(max_fields);
  if (count < message_fields || !choose(next_.message.body, in_.unsigned_integer()) || !in_.ok())
    return nullptr;
  next_.shard = ShardId{static_cast<std::uint16_t>(in_.unsigned_integer(UINT16_MAX))};
  next_.message.epoch = Epoch{in_.unsigned_integer(max_number)};
  Reader reader{in_, in_.array(max_fields)};
  if (!in_.ok() || !std::visit(reader, next_.message.body)) return nullptr;
  for (auto i = reader.known; i < reader.count; ++i) in_.skip();
  for (auto i = message_fields; i < count; ++i) in_.skip();
  ok_ = in_.ok();
  return ok_ ? &next_ : nullptr;
}

}  // namespace coterie::replication::shard_log
