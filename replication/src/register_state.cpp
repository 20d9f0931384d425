#include "coterie/replication/register_state.hpp"

#include <algorithm>

#include "coterie/replication/copy_id.hpp"

namespace coterie::replication {
namespace {

constexpr std::uint8_t state_version = 2;  // 1: without lives

std::optional<std::uint32_t> take_size(ByteView& bytes) {
  if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
  const auto size = load_le<std::uint32_t>(bytes.data());
  bytes = bytes.subspan(sizeof(std::uint32_t));
  return size;
}

bool take_register(ByteView& bytes, Register& entry) {
  const auto size = take_size(bytes);
  if (!size || bytes.size() < *size) return false;
  auto decoded = decode_register(bytes.first(*size));
  if (decoded) entry = std::move(*decoded);
  bytes = bytes.subspan(*size);
  return decoded.has_value();
}

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
    if (swap.shard == life_register) {
      results.push_back(apply_life(swap));
      continue;
    }
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

bool RegisterState::has_copies(const raft::MemberId& directory) const {
  const auto holds_one = [&](const std::vector<raft::MemberId>& set) {
    return std::any_of(set.begin(), set.end(),
                       [&](const auto& member) { return same_directory(member, directory); });
  };
  // One that is in sync counts although the planner has taken it from the replicas.
  return std::any_of(registers_.begin(), registers_.end(), [&](const Register& entry) {
    return holds_one(entry.replicas) || holds_one(entry.in_sync);
  });
}

/// The answer names the directory in any case: its asker knows it by that.
SwapResult RegisterState::apply_life(const Swap& swap) {
  const auto directory = swap.desired.leader();
  const auto known = lives_.find(directory);
  const Register none{.primary = directory.node, .disk = directory.disk};
  const auto& current = known == lives_.end() ? none : known->second;
  if (current.epoch != swap.expected || swap.desired.epoch == Epoch{})
    return {swap.shard, false, current};
  if (known == lives_.end() && lives_.size() >= max_lives) {
    const auto idle = std::find_if(lives_.begin(), lives_.end(),
                                   [&](const auto& life) { return !has_copies(life.first); });
    if (idle == lives_.end()) return {swap.shard, false, none};
    lives_.erase(idle);
  }
  auto& life = lives_[directory] = swap.desired;
  life.in_sync = life.replicas = {};
  return {swap.shard, true, life};
}

Bytes RegisterState::snapshot() const {
  Bytes bytes{state_version};
  append_le(bytes, entity_types_);
  const auto add = [&](const Register& entry) {
    Bytes one;
    append_register(one, entry);
    append_le(bytes, static_cast<std::uint32_t>(one.size()));
    append(bytes, one);
  };
  for (const auto& entry : registers_) add(entry);
  append_le(bytes, static_cast<std::uint32_t>(lives_.size()));
  for (const auto& [directory, life] : lives_) add(life);
  return bytes;
}

std::optional<RegisterState> RegisterState::restore(ByteView bytes) {
  constexpr std::size_t head = 1 + sizeof(std::uint64_t);
  if (bytes.size() < head || bytes[0] == 0 || bytes[0] > state_version) return std::nullopt;
  const bool has_lives = bytes[0] > 1;
  RegisterState state;
  state.entity_types_ = load_le<std::uint64_t>(bytes.data() + 1);
  bytes = bytes.subspan(head);
  for (auto& entry : state.registers_)
    if (!take_register(bytes, entry)) return std::nullopt;
  if (!has_lives) return state;
  const auto lives = take_size(bytes);
  if (!lives || *lives > max_lives) return std::nullopt;
  for (std::uint32_t i = 0; i < *lives; ++i) {
    Register life;
    if (!take_register(bytes, life)) return std::nullopt;
    auto directory = life.leader();
    state.lives_[std::move(directory)] = std::move(life);
  }
  return state;
}

}  // namespace coterie::replication
