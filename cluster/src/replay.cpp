#include "coterie/cluster/replay.hpp"

#include "coterie/replication/crc32c.hpp"

namespace coterie::cluster {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<NodeInput>> node_inputs{
    "start",
    "leave",
    "tick",
    "datagram",
    "stream accepted",
    "stream received",
    "stream closed",
    "link accepted",
    "link connected",
    "link received",
    "link written",
    "link closed",
    "identity persisted",
    "registers persisted",
    "shard status",
    "part failed",
    "move",
    "broadcast",
    "query",
    "answer",
    "seeds",
    "starved",
    "details",
    "share",
    "too large",
    "shard proposal"};
constexpr std::array<std::string_view, std::variant_size_v<ShardInput>> shard_inputs{
    "ask",          "routes",      "journal", "lane accepted", "lane connected", "lane received",
    "lane written", "lane closed", "flush",   "drain",         "tick",           "wall clock"};

struct NodePlayer {
  explicit NodePlayer(const NodeOrigin& origin)
      : core(origin.config, Random(origin.seed), origin.now) {}
  void play(const NodeInput& input, Instant now) { effects.add(feed(core, input, now).effects); }
  NodeCore core;
  EffectHash effects{};
};

struct ShardPlayer {
  ShardPlayer(const ShardOrigin& origin, const std::vector<sharding::EntityType>& types)
      : core(origin.config, types, Random(origin.seed), origin.now) {}
  void play(ShardInput& input, Instant now) {
    std::visit([&](auto& held) { (void)feed(core, std::move(held), now, sink); }, input);
  }
  ShardCore core;
  EffectHash effects{};
  HashingSink sink{effects, nullptr};
};

/// The body of the next entry; nothing at the end, `cut` if it is not whole.
std::optional<ByteView> next_entry(ByteView& tape, bool& cut) {
  if (tape.empty()) return std::nullopt;
  cut = true;
  if (tape.size() < tape_entry_head) return std::nullopt;
  const auto size = load_le<std::uint32_t>(tape.data());
  const auto crc = load_le<std::uint32_t>(tape.data() + 4);
  if (size > tape.size() - tape_entry_head) return std::nullopt;
  const auto body = tape.subspan(tape_entry_head, size);
  tape = tape.subspan(tape_entry_head + size);
  cut = false;
  return replication::crc32c(body) == crc ? body : ByteView{};  // which no reader accepts
}

template <class Input, class Player, class Names>
Status play(ByteView tape, Player& player, const Names& names, ReplayReport& report) {
  Instant now{};
  while (const auto entry = next_entry(tape, report.cut)) {
    Input input;
    wire::MsgpackReader in(entry->size() < 8 ? ByteView{} : entry->first(entry->size() - 8));
    now = Instant{now.nanos + in.signed_integer()};
    wire::read_value(in, input);
    if (!in.ok() || !in.at_end())
      return error(Errc::malformed, "entry " + std::to_string(report.inputs + 1) +
                                        " does not decode: it is damaged, or another build's");
    ++report.inputs;
    const auto index = input.index();
    player.play(input, now);
    report.effect_hash = player.effects.value();
    if (report.effect_hash == load_le<std::uint64_t>(entry->data() + entry->size() - 8)) continue;
    report.divergence = "input " + std::to_string(report.inputs) + " (" +
                        std::string(names[index]) + ") at " + std::to_string(now.nanos) +
                        " ns has another effect than recorded";
    return Done{};
  }
  return Done{};
}

}  // namespace

Result<ReplayReport> replay(ByteView tape, const std::vector<sharding::EntityType>& types) {
  if (tape.size() < tape_magic.size() || text(tape.first(tape_magic.size())) != tape_magic)
    return error(Errc::malformed, "not a recording of this version");
  tape = tape.subspan(tape_magic.size());
  ReplayReport report;
  Origin origin;
  const auto head = next_entry(tape, report.cut);
  wire::MsgpackReader in(head.value_or(ByteView{}));
  wire::read_value(in, origin);
  if (!in.ok() || !in.at_end())
    return error(Errc::malformed,
                 "the recording's head does not decode: it is damaged, or another build's");
  Status status = Done{};
  if (const auto* node = std::get_if<NodeOrigin>(&origin)) {
    report.node = node->config.name;
    NodePlayer player(*node);
    status = play<NodeInput>(tape, player, node_inputs, report);
  } else {
    const auto& shard = std::get<ShardOrigin>(origin);
    report.node = shard.config.self.node;
    report.worker = shard.config.self.from_worker;
    ShardPlayer player(shard, types);
    status = play<ShardInput>(tape, player, shard_inputs, report);
  }
  if (!status) return status.error();
  return report;
}

}  // namespace coterie::cluster
