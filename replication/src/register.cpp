#include "coterie/replication/register.hpp"

#include "message_fields.hpp"

namespace coterie::replication {
namespace {

constexpr std::uint32_t max_fields = 64;
constexpr std::uint32_t own_fields = 11;

void write(wire::MsgpackWriter& out, const Register& r) {
  out.array(own_fields);
  out.unsigned_integer(r.epoch.value);
  out.str(r.primary);
  out.unsigned_integer(r.start.value);
  for (const auto* members : {&r.in_sync, &r.replicas}) {
    out.array(static_cast<std::uint32_t>(members->size()));
    for (const auto& member : *members) {
      out.array(2);
      raft::write(out, member);
    }
  }
  out.unsigned_integer(r.disk);
  out.unsigned_integer(r.min_in_sync);
  out.array(2);
  raft::write(out, r.successor);
  out.unsigned_integer(static_cast<std::uint64_t>(r.rule));
  out.unsigned_integer(r.rule_epoch.value);
  out.str(r.before);
}

/// Before the log was replicated a member was a name, and the primary the only one.
bool read_members(wire::MsgpackReader& in, std::vector<raft::MemberId>& members) {
  const auto count = in.array(max_shard_members);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    if (const auto kind = in.peek(); (kind & 0xf0) == 0x90) {
      if (in.array(2) != 2) return false;
      members.push_back(raft::read_member(in));
    } else {
      members.push_back({std::string(in.text(max_member_name)), 0});
    }
  }
  return in.ok();
}

bool read(wire::MsgpackReader& in, Register& r) {
  const auto fields = in.array(max_fields);
  if (fields < 5) return false;
  r.epoch = Epoch{in.unsigned_integer()};
  r.primary = in.text(max_member_name);
  r.start = StartId{in.unsigned_integer()};
  if (!read_members(in, r.in_sync) || !read_members(in, r.replicas)) return false;
  if (fields > 5) r.disk = in.unsigned_integer();
  if (fields > 6)
    r.min_in_sync = static_cast<std::uint32_t>(in.unsigned_integer(max_shard_members));
  if (fields > 7) {
    if (in.array(2) != 2) return false;
    r.successor = raft::read_member(in);
  }
  if (fields > 8) r.rule = static_cast<Rule>(in.unsigned_integer(last_rule));
  if (fields > 9) r.rule_epoch = Epoch{in.unsigned_integer()};
  if (fields > 10) r.before = in.text(max_member_name);
  for (auto* members : {&r.in_sync, &r.replicas})
    for (auto& member : *members)
      if (member.disk == 0 && member.node == r.primary) member.disk = r.disk;
  for (std::uint32_t i = own_fields; i < fields; ++i) in.skip();
  return in.ok();
}

}  // namespace

Register Register::led_by(const raft::MemberId& replica, StartId life, Rule by) const {
  auto later = *this;
  later.epoch = next(epoch);
  later.primary = replica.node;
  later.disk = replica.disk;
  later.start = life;
  if (replica.node != primary) later.before = primary;
  later.rule = by;
  later.rule_epoch = later.epoch;
  if (replica.node != primary) later.successor = {};
  return later;
}

void append_register(Bytes& bytes, const Register& r) {
  wire::MsgpackWriter out(bytes);
  write(out, r);
}

std::optional<Register> decode_register(ByteView bytes) {
  wire::MsgpackReader in(bytes);
  Register r;
  return read(in, r) ? std::optional(std::move(r)) : std::nullopt;
}

Bytes encode_swaps(std::uint64_t token, const std::vector<Swap>& swaps) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(2);
  out.unsigned_integer(token);
  out.array(static_cast<std::uint32_t>(swaps.size()));
  for (const auto& swap : swaps) {
    out.array(3);
    out.unsigned_integer(swap.shard.value);
    out.unsigned_integer(swap.expected.value);
    write(out, swap.desired);
  }
  return bytes;
}

bool decode_swaps(ByteView body, std::uint64_t& token, std::vector<Swap>& swaps) {
  wire::MsgpackReader in(body);
  if (in.array(2) != 2) return false;
  token = in.unsigned_integer();
  const auto count = in.array(max_swaps);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    Swap swap;
    if (in.array(3) != 3) return false;
    swap.shard = ShardId{static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX))};
    swap.expected = Epoch{in.unsigned_integer()};
    if (!read(in, swap.desired)) return false;
    swaps.push_back(std::move(swap));
  }
  return in.ok();
}

Bytes encode_results(std::uint64_t token, const std::vector<SwapResult>& results) {
  Bytes bytes;
  wire::MsgpackWriter out(bytes);
  out.array(2);
  out.unsigned_integer(token);
  out.array(static_cast<std::uint32_t>(results.size()));
  for (const auto& result : results) {
    out.array(3);
    out.unsigned_integer(result.shard.value);
    out.boolean(result.won);
    write(out, result.current);
  }
  return bytes;
}

bool decode_results(ByteView body, std::uint64_t& token, std::vector<SwapResult>& results) {
  wire::MsgpackReader in(body);
  if (in.array(2) != 2) return false;
  token = in.unsigned_integer();
  const auto count = in.array(max_swaps);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    SwapResult result;
    if (in.array(3) != 3) return false;
    result.shard = ShardId{static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX))};
    result.won = in.boolean();
    if (!read(in, result.current)) return false;
    results.push_back(std::move(result));
  }
  return in.ok();
}

}  // namespace coterie::replication
