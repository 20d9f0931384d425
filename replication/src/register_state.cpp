#include "coterie/replication/register_state.hpp"

namespace coterie::replication {
namespace {

constexpr std::uint8_t state_version = 1;

}  // namespace

RegisterState::RegisterState(std::uint64_t entity_types, std::vector<Register> registers)
    : entity_types_(entity_types), registers_(std::move(registers)) {
  registers_.resize(register_count);
}

Bytes RegisterState::command(const std::vector<Swap>& swaps, std::uint64_t entity_types) {
  return encode_swaps(entity_types, swaps);
}

std::vector<SwapResult> RegisterState::apply(ByteView command) {
  std::vector<SwapResult> results;
  std::vector<Swap> swaps;
  std::uint64_t types = 0;
  if (!decode_swaps(command, types, swaps)) return results;
  if (entity_types_ == 0) entity_types_ = types;
  for (auto& swap : swaps) {
    if (swap.shard.value >= registers_.size()) {  // a peer's mistake: it loses
      results.push_back({swap.shard, false, {}});
      continue;
    }
    auto& current = registers_[swap.shard.value];
    const bool wins = current.epoch == swap.expected && swap.desired.epoch == next(swap.expected);
    if (wins) current = std::move(swap.desired);
    results.push_back({swap.shard, wins, current});
  }
  return results;
}

Bytes RegisterState::snapshot() const {
  Bytes bytes{state_version};
  append_le(bytes, entity_types_);
  for (const auto& entry : registers_) {
    Bytes one;
    append_register(one, entry);
    append_le(bytes, static_cast<std::uint32_t>(one.size()));
    append(bytes, one);
  }
  return bytes;
}

std::optional<RegisterState> RegisterState::restore(ByteView bytes) {
  constexpr std::size_t head = 1 + sizeof(std::uint64_t);
  if (bytes.size() < head || bytes[0] != state_version) return std::nullopt;
  RegisterState state;
  state.entity_types_ = load_le<std::uint64_t>(bytes.data() + 1);
  bytes = bytes.subspan(head);
  for (auto& entry : state.registers_) {
    if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
    const auto size = load_le<std::uint32_t>(bytes.data());
    bytes = bytes.subspan(sizeof(std::uint32_t));
    if (bytes.size() < size) return std::nullopt;
    auto decoded = decode_register(bytes.first(size));
    if (!decoded) return std::nullopt;
    entry = std::move(*decoded);
    bytes = bytes.subspan(size);
  }
  return state;
}

}  // namespace coterie::replication
