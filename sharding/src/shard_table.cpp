#include "coterie/sharding/shard_table.hpp"

namespace coterie::sharding {

bool ShardTable::merge(ShardId shard, const replication::Register& value) {
  auto& mine = registers.at(shard.value);
  if (value.epoch <= mine.epoch) return false;
  mine = value;
  return true;
}

bool ShardTable::merge(const ShardTable& other) {
  bool changed = false;
  for (std::uint16_t i = 0; i < shard_count; ++i) changed |= merge(ShardId{i}, other.registers[i]);
  if (entity_types == 0 && other.entity_types != 0)
    entity_types = other.entity_types, changed = true;
  return changed;
}

/// types:u64le, then for each shard length:u16le and a register.
Bytes encode(const ShardTable& table) {
  Bytes out;
  append_le(out, table.entity_types);
  for (const auto& r : table.registers) {
    Bytes one;
    replication::append_register(one, r);
    append_le(out, static_cast<std::uint16_t>(one.size()));
    append(out, one);
  }
  return out;
}

std::optional<ShardTable> decode_shard_table(ByteView body) {
  ShardTable table;
  if (body.size() < 8) return std::nullopt;
  table.entity_types = load_le<std::uint64_t>(body.data());
  body = body.subspan(8);
  for (auto& r : table.registers) {
    if (body.size() < 2) return std::nullopt;
    const std::size_t size = load_le<std::uint16_t>(body.data());
    if (body.size() < 2 + size) return std::nullopt;
    auto one = replication::decode_register(body.subspan(2, size));
    if (!one) return std::nullopt;
    r = std::move(*one);
    body = body.subspan(2 + size);
  }
  return body.empty() ? std::optional(std::move(table)) : std::nullopt;
}

}  // namespace coterie::sharding
