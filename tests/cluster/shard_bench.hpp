/// One ShardCore with nothing around it: the test is its disk, its register and its clock.
#pragma once

#include <doctest/doctest.h>

#include "coterie/cluster/shard_core.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::cluster {

using sharding::Outcome;

inline ShardId shard_of_id(const std::string& id) {
  return sharding::shard_of(sharding::entity_hash(id));
}
inline const ShardId shard_of_x = shard_of_id("x");

inline std::int64_t& value(void* state) { return *static_cast<std::int64_t*>(state); }

/// 0 adds and persists, 1 reads, 2 refuses, 3 faults.
inline sharding::EntityType counter_type() {
  return {.name = "counter",
          .id = sharding::entity_type_id("counter"),
          .create = +[]() -> void* { return new std::int64_t(0); },
          .destroy = +[](void* s) { delete static_cast<std::int64_t*>(s); },
          .handle =
              +[](void* s, std::uint8_t tag, ByteView, Outcome& out) {
                if (tag == 0)
                  out.kind = Outcome::Kind::persisted, ++value(s), out.events.push_back({0, {}});
                if (tag == 1) out.kind = Outcome::Kind::replied;
                if (tag == 2) out.kind = Outcome::Kind::refused, out.detail = "no";
                if (tag == 3)
                  out.kind = Outcome::Kind::faulted, out.detail = "broken", value(s) = 999;
                wire::MsgpackWriter(out.reply).signed_integer(value(s));
              },
          .evolve = +[](void* s, std::uint8_t, ByteView) { return ++value(s), true; }};
}

/// One node that owns every shard; the test is its disk.
struct Bench : ShardSink {
  struct Done {
    std::uint64_t token;
    std::uint8_t status;
    std::int64_t value;
    std::uint32_t retry;
  };
  std::vector<sharding::EntityType> types{counter_type()};
  ShardCore core;
  Instant now{1'000'000'000};
  std::vector<replication::AppendRequest> appends;
  std::vector<std::pair<std::uint64_t, ShardId>> reads;
  std::vector<replication::Swap> proposals;
  RoutesPtr given;
  std::vector<std::tuple<std::uint64_t, ShardId, LogIndex, bool>> replays;
  std::vector<Done> done;
  std::vector<std::string> said;  ///< of each, why not
  std::map<std::pair<ShardId, LogIndex>, Bytes> disk;
  std::map<ShardId, LogIndex> firsts;  ///< of logs that were trimmed
  std::map<ShardId, std::uint64_t> renewals;
  std::map<ShardId, replication::LogState> states;
  std::uint64_t tokens = 0;
  bool recovers = true;
  messaging::LinkEffects links;
  std::vector<std::pair<std::uint64_t, std::vector<ShardId>>> recoveries;
  std::vector<ShardStatus> reports;

  explicit Bench(bool serve = true, ShardCoreConfig config = {})
      : core(
            [&] {
              config.self.node = "a";
              config.self.from_worker = 1;
              config.self.start = StartId{1};
              config.disk = 1;
              if (config.data_workers == 0) config.data_workers = 1;
              return config;
            }(),
            types, Random(1), Instant{1'000'000'000}) {
    if (!serve) return;
    owner("a", Epoch{1});
    sync();
  }
  /// Every shard belongs to `name` from this epoch on.
  void owner(const std::string& name, Epoch epoch) {
    auto routes = std::make_shared<Routes>();
    routes->cluster = {1, 1};
    routes->table.entity_types = 1;
    for (std::uint16_t i = 0; i < sharding::shard_count; ++i) {
      routes->table.registers[i] = led_by(name, epoch);
    }
    given = routes;
    core.routes(routes, now, *this);
    core.flush(now, *this);
  }
  static replication::Register led_by(const std::string& name, Epoch epoch) {
    return {epoch, name, StartId{1}, {{name, 1}}, {{name, 1}}, 1};
  }
  /// The registers give what was proposed.
  void grant() {
    auto routes = std::make_shared<Routes>(*given);
    for (auto& swap : std::exchange(proposals, {}))
      routes->table.registers[swap.shard.value] = swap.desired;
    given = routes;
    core.routes(routes, now, *this);
    core.flush(now, *this);
  }
  void append(replication::AppendRequest&& r) override { appends.push_back(std::move(r)); }
  void reset(ShardId) override {}
  void read(std::uint64_t token, ShardId shard, LogIndex, std::size_t) override {
    reads.emplace_back(token, shard);
  }
  void propose(replication::Swap&& swap) override { proposals.push_back(std::move(swap)); }
  void replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) override {
    replays.emplace_back(token, shard, head, whole);
  }
  /// Only what is asked for while `recovers` is set is answered at once.
  void recover(std::uint64_t token, std::vector<ShardId> shards) override {
    recoveries.emplace_back(token, shards);
    if (!recovers) return;
    replication::Recovered part{.token = token, .records = {}, .of = {}};
    for (const auto& [at, record] : disk)
      if (std::find(shards.begin(), shards.end(), at.first) != shards.end())
        part.records.push_back(record), part.of.push_back(at.first);
    core.journal(std::move(part), now, *this);
    core.journal(recovery_of(token, shards), now, *this);
  }
  [[nodiscard]] replication::RecoveryFinished recovery_of(std::uint64_t token,
                                                          const std::vector<ShardId>& shards) {
    replication::RecoveryFinished out{.token = token, .logs = {}, .error = {}};
    for (const auto shard : shards)
      out.logs.push_back({.shard = shard,
                          .renewals = renewals[shard],
                          .state = states[shard],
                          .first = firsts.contains(shard) ? firsts[shard] : LogIndex{1}});
    return out;
  }
  void complete(const Completion& c) override {
    wire::MsgpackReader in(c.payload);
    done.push_back({c.token, c.status, c.status == 0 ? in.signed_integer() : 0, c.retry_after_ms});
    said.push_back(c.status == 0 ? "" : std::string(text(c.payload)));
  }
  void link(messaging::LinkEffect&& effect) override { links.push_back(std::move(effect)); }
  void report(const ShardStatus& status) override { reports.push_back(status); }
  void log(LogEvent) override {}

  std::uint64_t ask(std::uint8_t tag, CommandId command = {}, const std::string& id = "x",
                    Duration deadline = 5s,
                    EntityTypeId type = sharding::entity_type_id("counter")) {
    core.ask({.token = ++tokens,
              .type = type,
              .id = id,
              .tag = tag,
              .payload = {},
              .deadline = now + deadline,
              .command = command},
             now, *this);
    core.flush(now, *this);
    return tokens;
  }
  void pass(Duration span) {
    now = now + span;
    core.tick(now, *this);
    core.flush(now, *this);
  }
  /// The disk catches up.
  void sync() {
    while (!appends.empty()) {
      auto batch = std::exchange(appends, {});
      for (auto& r : batch) {
        if (r.renewal != 0) {
          std::erase_if(disk, [&](const auto& entry) {
            return entry.first.first == r.shard && entry.first.second >= r.index;
          });
          renewals[r.shard] = r.renewal;
          states[r.shard] = replication::LogState::whole;
        }
        if (r.trims) {
          firsts[r.shard] = r.index;
          std::erase_if(disk, [&](const auto& entry) {
            return entry.first.first == r.shard && entry.first.second < r.index;
          });
        }
        if (!r.record.empty()) disk[{r.shard, r.index}] = r.record;
        if (r.batch != 0) core.journal(replication::Appended{r.shard, r.batch}, now, *this);
      }
      core.flush(now, *this);
    }
  }
  void read() {
    for (const auto& [token, shard, head, whole] : std::exchange(replays, {})) {
      replication::Replayed part{.token = token};
      for (auto index = head; index != LogIndex{};) {
        const auto found = disk.find({shard, index});
        if (found == disk.end()) {
          part.error = error(Errc::storage, "there is no such record");
          break;
        }
        part.records.insert(part.records.begin(), found->second);
        if (!whole && replication::is_snapshot(part.records.front())) break;
        index = replication::read_record(part.records.front()).value().previous;
      }
      core.journal(std::move(part), now, *this);
    }
    core.flush(now, *this);
  }
  const Done& last() { return done.back(); }
};

[[nodiscard]] inline std::uint8_t code(Errc e) { return static_cast<std::uint8_t>(e); }

}  // namespace coterie::cluster
