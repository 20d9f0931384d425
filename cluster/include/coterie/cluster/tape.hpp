/// A recording of one core: how it was made, every input with its `now`, and after each a rolling
/// hash of every effect so far. Replay makes the same core, feeds it the same inputs and compares
/// the hashes, so the first input that has another effect is known. docs/RECORDING.md has the
/// bytes. Invariant: a tape holds no view into what it recorded. Thread-safety: one owner.
#pragma once

#include <functional>

#include "coterie/cluster/node_input.hpp"
#include "coterie/cluster/shard_input.hpp"
#include "coterie/core/hash.hpp"
#include "coterie/wire/msgpack_fields.hpp"

namespace coterie::cluster {

inline constexpr std::string_view tape_magic = "coterie tape 8\n";
inline constexpr std::size_t tape_entry_head = 8;  ///< length (4), CRC-32C of the body (4)
/// Handed on when it holds this much, or when this much time passed: the end of a killed process's
/// tape is lost.
inline constexpr std::size_t tape_chunk_bytes = 64 * 1024;
inline constexpr Duration tape_chunk_time = 100ms;

/// How a recorded core was made.
struct NodeOrigin {
  NodeCoreConfig config{};
  std::uint64_t seed{};
  Instant now{};
};
struct ShardOrigin {
  ShardCoreConfig config{};
  std::uint64_t seed{};
  Instant now{};
};
using Origin = std::variant<NodeOrigin, ShardOrigin>;

template <class T, class Variant>
inline constexpr std::size_t alternative_index = 0;
template <class T, class... Ts>
inline constexpr std::size_t alternative_index<T, std::variant<Ts...>> = [] {
  std::size_t at = 0;
  (void)((std::is_same_v<T, Ts> ? true : (++at, false)) || ...);
  return at;
}();

/// Covers every member of every effect.
class EffectHash {
 public:
  template <class Effect>
  void add(const Effect& effect) {
    scratch_.clear();
    wire::MsgpackWriter out(scratch_);
    wire::write_value(out, effect);
    hash_.add(scratch_);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_.value(); }

 private:
  TraceHash hash_{};
  Bytes scratch_{};
};

class Tape {
 public:
  /// `out` takes the bytes in order and must not block.
  Tape(const Origin& origin, std::function<void(Bytes)> out);
  ~Tape() { flush(); }
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// Before the core sees it: a core may take its input apart. `index` is its place in the variant.
  template <class Input>
  void begin(std::size_t index, const Input& input, Instant now) {
    open_entry();
    wire::MsgpackWriter out(pending_);
    out.signed_integer(now.nanos - last_.nanos);
    out.unsigned_integer(index);
    wire::write_value(out, input);
    last_ = now;
  }
  [[nodiscard]] EffectHash& effects() { return effects_; }
  void end();
  void flush();

 private:
  void open_entry();
  void close_entry();

  std::function<void(Bytes)> out_;
  Bytes pending_{};
  std::size_t entry_ = 0;
  Instant last_{};
  Instant flushed_{};
  EffectHash effects_{};
};

/// Hashes what a ShardCore wants, and passes it on if somebody carries it out.
class HashingSink final : public ShardSink {
 public:
  HashingSink(EffectHash& hash, ShardSink* next) : hash_(hash), next_(next) {}
  void append(replication::AppendRequest&& request) override;
  void reset(ShardId shard) override;
  void read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) override;
  void propose(replication::Swap&& swap) override;
  void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) override;
  void recover(std::uint64_t token, std::vector<ShardId> shards) override;
  void complete(const Completion& completion) override;
  void link(messaging::LinkEffect&& effect) override;
  void report(const ShardStatus& status) override;
  void log(LogEvent event) override;

 private:
  EffectHash& hash_;
  ShardSink* next_;
};

/// Feeds a core, and records it if there is a tape.
[[nodiscard]] NodeOutcome feed(NodeCore& core, const NodeInput& input, Instant now, Tape* tape);

template <class Input>
std::size_t feed(ShardCore& core, Input input, Instant now, ShardSink& out, Tape* tape) {
  if (tape == nullptr) return feed(core, std::move(input), now, out);
  tape->begin(alternative_index<Input, ShardInput>, input, now);
  HashingSink sink(tape->effects(), &out);
  const auto consumed = feed(core, std::move(input), now, sink);
  tape->end();
  return consumed;
}

}  // namespace coterie::cluster
