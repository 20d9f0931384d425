#include "coterie/sim/world.hpp"

#include "coterie/sim/process.hpp"

namespace coterie::sim {
namespace {

constexpr Duration look_again = 10ms;  // what is waited for costs more to see than an event

}  // namespace

World::World(WorldConfig config)
    : config_(config),
      random_(config.seed),
      network_(*this, config.network, random_.split()),
      streams_(*this, network_),
      slots_(config.nodes) {
  for (auto& slot : slots_) slot.disk = std::make_unique<Disk>(config_.disk, random_.split());
}

World::~World() {
  for (auto& slot : slots_) slot.process.reset();  // they use everything else
}

std::function<void(Bytes)> World::tape(const std::string& node, StartId life,
                                       std::uint16_t worker) {
  auto& bytes = tapes_[node + "-life-" + std::to_string(life.value) + "-" + std::to_string(worker)];
  return [&bytes](const Bytes& chunk) { append(bytes, chunk); };
}

Address World::gossip_address(std::size_t node) {
  return address_from(
      Bytes{10, 0, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node)}, 7946);
}
Address World::link_address(std::size_t node) {
  auto address = gossip_address(node);
  address.port = 7947;
  return address;
}

void World::at(Instant when, std::function<void()> task) {
  events_.push({std::max(when, now_), ++order_, std::move(task)});
}

bool World::step(Instant limit) {
  if (events_.empty() || events_.top().at > limit) {
    now_ = limit;
    return false;
  }
  auto event = std::move(const_cast<Event&>(events_.top()));  // it is popped at once
  events_.pop();
  now_ = event.at;
  ++executed_;
  trace_.add(static_cast<std::uint64_t>(now_.nanos));
  event.task();
  return true;
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const auto end = now_ + limit;
  while (!done()) {
    const auto again = now_ + look_again;
    do
      if (!step(end)) return done();
    while (now_ < again);
  }
  return true;
}

void World::run_for(Duration span) {
  const auto end = now_ + span;
  while (step(end)) continue;
}

void World::start(std::size_t node) {
  auto& slot = slots_[node];
  slot.process = std::make_unique<Process>(*this, node, *slot.disk, random_.split());
  slot.process->begin();
}

void World::kill(std::size_t node, bool power_cut) {
  auto& slot = slots_[node];
  slot.process.reset();
  slot.disk->crash(power_cut);
}

std::optional<std::size_t> World::any_node(Random& random) const {
  std::vector<std::size_t> up;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (is_up(i)) up.push_back(i);
  if (up.empty()) return std::nullopt;
  return up[random.below(std::uint64_t{up.size()})];
}

Process* World::registers_leader() {
  for (auto& slot : slots_)
    if (slot.process && slot.process->node().leads_registers()) return slot.process.get();
  return nullptr;
}

void World::move(ShardId shard, std::size_t to) {
  if (auto* leader = registers_leader()) leader->move(shard, Process::name_of(to));
}

void World::leave(std::size_t node) { slots_[node].process->leave(); }

}  // namespace coterie::sim
