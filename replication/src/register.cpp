#include "coterie/replication/register.hpp"

#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::replication {
namespace {

// So that 256 registers with the longest names fit into one frame of 1 MiB.
constexpr std::uint32_t max_replicas = 7;
constexpr std::uint32_t max_fields = 64;
constexpr std::size_t max_name = 255;

void write(wire::MsgpackWriter& out, const Register& r) {
  out.array(6);
  out.unsigned_integer(r.epoch.value);
  out.str(r.primary);
  out.unsigned_integer(r.start.value);
  for (const auto* names : {&r.in_sync, &r.replicas}) {
    out.array(static_cast<std::uint32_t>(names->size()));
    for (const auto& name : *names) out.str(name);
  }
  out.unsigned_integer(r.disk);
}

bool read(wire::MsgpackReader& in, Register& r) {
  const auto fields = in.array(max_fields);
  if (fields < 5) return false;
  r.epoch = Epoch{in.unsigned_integer()};
  r.primary = in.text(max_name);
  r.start = StartId{in.unsigned_integer()};
  for (auto* names : {&r.in_sync, &r.replicas}) {
    const auto count = in.array(max_replicas);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) names->emplace_back(in.text(max_name));
  }
  if (fields > 5) r.disk = in.unsigned_integer();
  for (std::uint32_t i = 6; i < fields; ++i) in.skip();
  return in.ok();
}

}  // namespace

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
