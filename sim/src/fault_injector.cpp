#include "fault_injector.hpp"

#include "coterie/sim/process.hpp"

namespace coterie::sim {
namespace {

constexpr Duration fastest_slow_sync = 20ms, slow_sync_spread = 2500ms;
constexpr std::uint64_t last_words_every = 2;  // of those killed

}  // namespace

void FaultInjector::inject(const Fault& fault) {
  using Kind = Fault::Kind;
  const auto node = fault.node;
  if (over_) return;
  const bool spares_nodes =
      fault.kind == Kind::move || fault.kind == Kind::full_disk || fault.kind == Kind::slow_disk;
  if (!spares_nodes && !world_.is_up(node)) return world_.start(node);
  switch (fault.kind) {
    case Kind::kill:
    case Kind::power_cut: return kill(fault);
    case Kind::cut: return cut(node, fault.span);
    case Kind::loss: return world_.network().set_loss(fault.loss);
    case Kind::move: return move_some(node, Random(fault.seed));
    case Kind::full_disk: return fill_disk(node, fault.span);
    case Kind::leave: return leave_and_return(node, fault.span);
    case Kind::drain: return drain_for_a_while(node, fault);
    case Kind::reset: return reset(fault);
    case Kind::slow_disk: return slow_down(fault);
    case Kind::failed_disk: return fail_disk(fault);
  }
}

void FaultInjector::kill(const Fault& fault) {
  ++happened_.kills;
  if (fault.seed % last_words_every != 0) return fall(fault);
  last_words_.speak(fault.node, [this, fault] {
    if (!over_ && world_.is_up(fault.node)) fall(fault);
    world_.network().heal();
  });
}

void FaultInjector::cut(std::size_t node, Duration span) {
  world_.network().cut(node, (node + 1) % world_.size());
  world_.after(span, [this] { world_.network().heal(); });
}

void FaultInjector::end(double usual_loss) {
  over_ = true;
  world_.network().heal();
  world_.network().set_loss(usual_loss);
  for (std::size_t i = 0; i < world_.size(); ++i) {
    auto& disk = world_.disk(i);
    disk.full = false, disk.slow = {};
    const bool ends = disk.fails_journal || disk.fails_store;
    if (world_.is_up(i) && (ends || world_.process(i).leaves())) world_.kill(i, false);
    if (!world_.is_up(i)) world_.start(i);
  }
}

/// Of one path, or of all the node's.
void FaultInjector::reset(const Fault& fault) {
  const auto paths = fault.seed % 2 == 0 ? world_.size() - 1 : 1;
  for (std::size_t i = 1; i <= paths; ++i)
    happened_.resets += world_.streams().reset(fault.node, (fault.node + i) % world_.size());
}

void FaultInjector::fall(const Fault& fault) {
  world_.kill(fault.node, fault.kind == Fault::Kind::power_cut);
  world_.after(fault.span, [this, node = fault.node] {
    if (!over_ && !world_.is_up(node)) world_.start(node);
  });
}

void FaultInjector::leave_and_return(std::size_t node, Duration span) {
  ++happened_.leaves;
  world_.leave(node);
  world_.after(span, [this, node, life = world_.disk(node).start] {
    if (over_ || !world_.is_up(node) || world_.disk(node).start != life) return;
    world_.kill(node, false);
    world_.start(node);
  });
}

void FaultInjector::drain_for_a_while(std::size_t node, const Fault& fault) {
  const auto name = Process::name_of(node);
  happened_.drains += wish(name, fault.seed % 2 == 0 ? "draining" : "cordoned") ? 1 : 0;
  world_.after(fault.span, [this, name] { unwish(name); });
}

/// One that has just started refuses it.
void FaultInjector::unwish(const std::string& name) {
  if (!wish(name, "")) world_.after(100ms, [this, name] { unwish(name); });
}

/// Told to any node that is up.
bool FaultInjector::wish(const std::string& name, const char* what) {
  const auto node = world_.any_node(random_);
  return node && world_.process(*node).wish(name, what);
}

void FaultInjector::fill_disk(std::size_t node, Duration span) {
  world_.disk(node).full = true;
  world_.after(span, [this, node] { world_.disk(node).full = false; });
}

void FaultInjector::slow_down(const Fault& fault) {
  ++happened_.slow_disks;
  world_.disk(fault.node).slow = fastest_slow_sync + Random(fault.seed).below(slow_sync_spread);
  world_.after(fault.span, [this, node = fault.node] { world_.disk(node).slow = {}; });
}

/// The journal's part, or the store's, or both; it is well again after a restart.
void FaultInjector::fail_disk(const Fault& fault) {
  ++happened_.failed_disks;
  const auto parts = 1 + fault.seed % 3;
  auto& disk = world_.disk(fault.node);
  disk.fails_journal = (parts & 1U) != 0;
  disk.fails_store = (parts & 2U) != 0;
  world_.after(fault.span, [this, node = fault.node, life = disk.start] {
    if (over_ || world_.disk(node).start != life) return;
    if (world_.is_up(node)) world_.kill(node, false);
    world_.start(node);
  });
}

/// A burst, so that callers meet stale routes.
void FaultInjector::move_some(std::size_t to, Random random) {
  for (int i = 0; i < 64; ++i) {
    ++happened_.moves;
    const auto shard = random.below(std::uint64_t{sharding::shard_count});
    world_.move(ShardId{static_cast<std::uint16_t>(shard)}, to);
  }
}

}  // namespace coterie::sim
