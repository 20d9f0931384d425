#include "coterie/replication/raft/messages.hpp"

#include "../message_fields.hpp"

namespace coterie::replication::raft {
namespace {

using wire::MsgpackReader;
using wire::MsgpackWriter;

constexpr std::uint32_t max_fields = 32;       // of one message; more than we know is skipped
constexpr std::size_t max_data = 1024 * 1024;  // of one entry: a frame holds no more

void write(MsgpackWriter& out, const Configuration& configuration) {
  for (const auto* members : {&configuration.voters, &configuration.learners}) {
    out.array(static_cast<std::uint32_t>(members->size()));
    for (const auto& id : *members) {
      out.array(2);
      write(out, id);
    }
  }
}

Configuration read_configuration(MsgpackReader& in) {
  Configuration configuration;
  const auto members = [&](std::vector<MemberId>& ids, std::size_t most) {
    const auto count = in.array(static_cast<std::uint32_t>(most));
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      if (in.array(2) != 2) return false;
      ids.push_back(read_member(in));
    }
    return in.ok();
  };
  return members(configuration.voters, max_voters) && members(configuration.learners, max_learners)
             ? configuration
             : Configuration{};
}

/// The fields of each body in the order of the format, once for both ways.
struct Writer {
  MsgpackWriter& out;
  void operator()(const VoteRequest& m) {
    out.array(4);
    out.boolean(m.pre);
    out.boolean(m.transfer);
    out.unsigned_integer(m.last.value);
    out.unsigned_integer(m.last_term.value);
  }
  void operator()(const VoteReply& m) {
    out.array(2);
    out.boolean(m.pre);
    out.boolean(m.granted);
  }
  void operator()(const AppendEntries& m) {
    out.array(5);
    out.unsigned_integer(m.previous.value);
    out.unsigned_integer(m.previous_term.value);
    out.unsigned_integer(m.commit.value);
    out.unsigned_integer(m.round);
    out.array(static_cast<std::uint32_t>(m.entries.size()));
    for (const auto& entry : m.entries) {
      out.array(3);
      out.unsigned_integer(entry.term.value);
      out.unsigned_integer(static_cast<std::uint8_t>(entry.kind));
      out.bin(entry.data);
    }
  }
  void operator()(const AppendReply& m) {
    out.array(4);
    out.boolean(m.accepted);
    out.unsigned_integer(m.match.value);
    out.unsigned_integer(m.hint.value);
    out.unsigned_integer(m.round);
  }
  void operator()(const SnapshotChunk& m) {
    out.array(8);
    out.unsigned_integer(m.index.value);
    out.unsigned_integer(m.index_term.value);
    write(out, m.configuration);
    out.unsigned_integer(m.size);
    out.unsigned_integer(m.offset);
    out.unsigned_integer(m.round);
    out.bin(m.part);
  }
  void operator()(const SnapshotReply& m) {
    out.array(3);
    out.unsigned_integer(m.index.value);
    out.unsigned_integer(m.next);
    out.unsigned_integer(m.round);
  }
  void operator()(const TimeoutNow&) { out.array(0); }
};

struct Reader {
  MsgpackReader& in;
  std::uint32_t fields;
  /// A later version may have more: the body is the last part, so they stay unread.
  [[nodiscard]] bool takes(std::uint32_t count) const { return count <= fields; }

  bool operator()(VoteRequest& m) {
    if (!takes(4)) return false;
    m.pre = in.boolean();
    m.transfer = in.boolean();
    m.last = Index{in.unsigned_integer(max_number)};
    m.last_term = Term{in.unsigned_integer(max_number)};
    return true;
  }
  bool operator()(VoteReply& m) {
    if (!takes(2)) return false;
    m.pre = in.boolean();
    m.granted = in.boolean();
    return true;
  }
  bool operator()(AppendEntries& m) {
    if (!takes(5)) return false;
    m.previous = Index{in.unsigned_integer(max_number)};
    m.previous_term = Term{in.unsigned_integer(max_number)};
    m.commit = Index{in.unsigned_integer(max_number)};
    m.round = in.unsigned_integer();
    const auto count = in.array(max_entries);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      if (in.array(3) != 3) return false;
      Entry entry;
      entry.term = Term{in.unsigned_integer(max_number)};
      entry.kind = static_cast<EntryKind>(
          in.unsigned_integer(static_cast<std::uint8_t>(EntryKind::configuration)));
      entry.data = to_bytes(in.bytes(max_data));
      m.entries.push_back(std::move(entry));
    }
    return true;
  }
  bool operator()(AppendReply& m) {
    if (!takes(4)) return false;
    m.accepted = in.boolean();
    m.match = Index{in.unsigned_integer(max_number)};
    m.hint = Index{in.unsigned_integer(max_number)};
    m.round = in.unsigned_integer();
    return true;
  }
  bool operator()(SnapshotChunk& m) {
    if (!takes(8)) return false;
    m.index = Index{in.unsigned_integer(max_number)};
    m.index_term = Term{in.unsigned_integer(max_number)};
    m.configuration = read_configuration(in);
    m.size = static_cast<std::uint32_t>(in.unsigned_integer(max_state_bytes));
    m.offset = static_cast<std::uint32_t>(in.unsigned_integer(max_state_bytes));
    m.round = in.unsigned_integer();
    m.part = to_bytes(in.bytes(max_data));
    return true;
  }
  bool operator()(SnapshotReply& m) {
    if (!takes(3)) return false;
    m.index = Index{in.unsigned_integer(max_number)};
    m.next = static_cast<std::uint32_t>(in.unsigned_integer(max_state_bytes));
    m.round = in.unsigned_integer();
    return true;
  }
  bool operator()(TimeoutNow&) { return true; }
};

}  // namespace

Bytes encode(const Message& message) {
  Bytes bytes;
  MsgpackWriter out(bytes);
  out.array(8);
  out.unsigned_integer(message_version);
  out.unsigned_integer(message.body.index());
  write(out, message.from);
  write(out, message.to);
  out.unsigned_integer(message.term.value);
  std::visit(Writer{out}, message.body);
  return bytes;
}

std::optional<Message> decode_message(ByteView bytes) {
  MsgpackReader in(bytes);
  if (in.array(max_fields) < 8 || in.unsigned_integer() != message_version) return std::nullopt;
  Message message;
  if (!choose(message.body, in.unsigned_integer()) || !in.ok()) return std::nullopt;
  message.from = read_member(in);
  message.to = read_member(in);
  message.term = Term{in.unsigned_integer(max_number)};
  Reader reader{in, in.array(max_fields)};
  if (!in.ok() || !std::visit(reader, message.body) || !in.ok()) return std::nullopt;
  return message;
}

Bytes encode(const Configuration& configuration) {
  Bytes bytes;
  MsgpackWriter out(bytes);
  out.array(2);
  write(out, configuration);
  return bytes;
}

std::optional<Configuration> decode_configuration(ByteView bytes) {
  MsgpackReader in(bytes);
  if (in.array(max_fields) < 2) return std::nullopt;
  auto configuration = read_configuration(in);
  return in.ok() ? std::optional(std::move(configuration)) : std::nullopt;
}

}  // namespace coterie::replication::raft
