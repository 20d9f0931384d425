#include "coterie/sim/shard_run.hpp"

#include "coterie/core/mutation.hpp"
#include "coterie/sim/shard_group.hpp"

namespace coterie::sim {
namespace {

using namespace replication::shard_log;

constexpr Duration faults_for = 20s;
constexpr Duration settle_limit = 60s;

/// What goes wrong in this run, and how often a second; each seed leaves some faults out.
struct Swarm {
  explicit Swarm(Random& random) {
    const auto rate = [&](double most) { return random.chance(0.5) ? random.unit() * most : 0; };
    kills = rate(1.0);
    splits = rate(0.5);
    pauses = rate(0.5);
    wipes = rate(0.1);
    suspicions = rate(2.0);
    moves = rate(0.5);
    flips = rate(1.0);
    hand_overs = rate(5.0);
    gossip = 1 + random.unit() * 20;
    young = rate(1.0);
    reads = 1 + rate(20);
    newcomers = rate(1.0);
    usurps = rate(2.0);
    appends = 2 + random.unit() * 50;
  }
  double kills, splits, pauses, wipes, suspicions, moves, reads, appends;
  double hand_overs;  ///< planned moves
  double usurps;      ///< others lead on, perhaps restarted, while the primary reads
  double newcomers;   ///< the chance that who is to come into I falls silent just then
  double flips;       ///< the shard goes to another and straight back to who could not see it
  double gossip;      ///< how often somebody learns of the register
  double young;  ///< the chance that who begins to serve is killed, cut off or suspected at once
};

ShardGroupConfig group_of(std::uint64_t seed, Random& random) {
  const auto nodes = 2 + random.below(std::uint64_t{4});
  const auto replicas = std::min(nodes, 2 + random.below(std::uint64_t{3}));
  return {.seed = seed,
          .nodes = nodes,
          .replicas = replicas,
          .min_in_sync = replicas == 2 || random.chance(0.2) ? 1u : 2u,
          .loss = random.chance(0.5) ? random.unit() * 0.2 : 0,
          .doubled = random.chance(0.5) ? random.unit() * 0.2 : 0,
          .latency = random.chance(0.3) ? Duration{40ms} : Duration{2ms},
          .sync = random.chance(0.3) ? Duration{30ms} : Duration{3ms},
          .register_delay = random.chance(0.3) ? Duration{40ms} : Duration{5ms},
          .batch_bytes = random.chance(0.5) ? std::size_t{1} : std::size_t{64 * 1024},
          .lease = random.chance(0.5) ? Duration{100ms} : Duration{}};
}

class ShardRun {
 public:
  explicit ShardRun(std::uint64_t seed)
      : trims_(seed ^ 0x7219),
        random_(seed ^ 0x5a4d),
        swarm_(random_),
        config_(group_of(seed, random_)),
        group_(config_) {
    group_.on_serving = [this](std::size_t node) { served_.push_back(node); };
    group_.on_proposed = [this](const Assignment& desired) { proposed_.push_back(desired); };
  }

  ShardRunResult run() {
    const auto end = group_.now() + faults_for;
    while (group_.now() < end && group_.problem().empty()) {
      step();
      group_.run_until(group_.now() + 10ms);
    }
    settle();
    result_.problem = group_.problem();
    if (result_.problem.empty() && !agreed_)
      result_.problem = "healed, and yet no agreement" + group_.describe();
    result_.passed = result_.problem.empty();
    result_.trace = group_.trace();
    result_.acknowledged = group_.acknowledged();
    result_.reigns = group_.reigns();
    result_.epochs = group_.assignment().epoch.value;
    result_.reads = group_.reads_done();
    result_.handed_over = group_.handed_over();
    result_.begun_anew = group_.begun_anew();
    return result_;
  }

 private:
  std::size_t any() { return random_.below(std::uint64_t{group_.size()}); }
  bool now_and_then(double a_second) { return random_.chance(a_second / 100); }
  std::size_t primary() const { return ShardGroup::node_of(group_.assignment().primary); }
  /// Half of all faults aim at the primary: that is where the protocol is.
  std::size_t victim() { return random_.chance(0.5) ? primary() : any(); }

  void step() {
    for (const auto node : std::exchange(served_, {}))
      if (random_.chance(swarm_.young)) harass(node);
    for (const auto& desired : std::exchange(proposed_, {}))
      if (random_.chance(swarm_.newcomers)) silence_newcomer(desired);
    for (double left = swarm_.appends / 100; random_.chance(std::min(1.0, left)); left -= 1)
      for (std::size_t i = 0; i < group_.size(); ++i) group_.append(i);
    if (now_and_then(swarm_.reads)) group_.read(any());
    if (now_and_then(swarm_.kills)) kill(victim());
    if (now_and_then(3)) group_.start(any());
    if (now_and_then(swarm_.pauses)) group_.pause(victim(), random_.below(Duration{5s}));
    if (now_and_then(swarm_.splits)) split();
    if (now_and_then(1)) group_.split({});
    if (now_and_then(swarm_.wipes)) wipe();
    if (now_and_then(swarm_.suspicions)) fail_over(random_.chance(0.5));
    if (now_and_then(swarm_.moves)) change_replicas();
    if (now_and_then(swarm_.flips)) flip();
    if (now_and_then(swarm_.hand_overs)) group_.hand_over(primary(), any());
    if (flip_back_ && group_.now() >= flip_at_) flip_back();
    if (now_and_then(swarm_.usurps)) usurp();
    if (group_.now() < usurped_until_) {
      for (std::size_t i = 0; i < group_.size(); ++i) group_.append(i);
      group_.read(usurped_);
    }
    if (trims_.chance(trimming_)) group_.trim(trims_.below(std::uint64_t{group_.size()}), trims_);
    keep_going();
  }

  /// What the cluster around the shard does all the time: registers spread, restarted primaries
  /// claim, and a primary that is down is succeeded.
  void keep_going() {
    if (now_and_then(swarm_.gossip)) group_.tell_assignment(any());
    if (now_and_then(10)) group_.claim(any());
    if (now_and_then(5) &&
        (!group_.is_up(primary()) || !group_.exists(group_.assignment().primary)))
      fail_over(true);
  }

  void kill(std::size_t node) {
    if (!group_.is_up(node)) return;
    ++result_.kills;
    group_.kill(node);
    if (random_.chance(0.5)) group_.start(node);  // so quick that nobody noticed
  }

  void harass(std::size_t node) {
    switch (random_.below(std::uint64_t{3})) {
      case 0: return kill(node);
      case 1: {
        std::vector<std::uint8_t> groups(group_.size());
        groups[node] = 1;
        return group_.split(std::move(groups));
      }
      default: return fail_over(false);
    }
  }

  /// The swap may still land while its proposer reads the old register and goes on without it.
  void silence_newcomer(const Assignment& desired) {
    for (const auto& member : desired.in_sync) {
      if (holds(group_.assignment().in_sync, member) || !group_.exists(member)) continue;
      group_.pause(ShardGroup::node_of(member), random_.below(Duration{3s}));
      group_.tell_assignment(primary());
    }
  }

  void split() {
    std::vector<std::uint8_t> groups;
    for (std::size_t i = 0; i < group_.size(); ++i) groups.push_back(random_.chance(0.5) ? 1 : 0);
    group_.split(std::move(groups));
  }

  /// A successor from inside I; who is held dead leaves I if enough stay (invariants 3 and 4).
  void fail_over(bool drop) {
    const auto seen = group_.assignment();
    std::vector<Replica> rest;
    const bool outsiders = mutated("shard: promotes a replica that is not in sync");
    for (const auto& member : outsiders ? seen.replicas : seen.in_sync)
      if (member != seen.primary && group_.exists(member)) rest.push_back(member);
    if (rest.empty()) return;  // nobody else has everything: it is waited for
    auto desired = seen;
    desired.epoch = next(seen.epoch);
    desired.primary = rest[random_.below(std::uint64_t{rest.size()})];
    const auto node = ShardGroup::node_of(desired.primary);
    if (!group_.is_up(node)) return;
    desired.start = StartId{group_.life_of(node)};
    if (!holds(desired.in_sync, desired.primary)) desired.in_sync.push_back(desired.primary);
    if (drop && desired.in_sync.size() > config_.min_in_sync)
      std::erase(desired.in_sync, seen.primary);
    group_.swap(node, desired);
  }

  /// Who has a lease reads on: nobody else may serve meanwhile, also who forgot what it granted.
  void usurp() {
    usurped_ = primary();
    usurped_until_ = group_.now() + 300ms;
    group_.read(usurped_);
    const bool restarts = random_.chance(0.5);
    for (const auto& member : group_.assignment().in_sync) {
      const auto node = ShardGroup::node_of(member);
      if (!restarts || node == usurped_ || !group_.exists(member)) continue;
      group_.kill(node);
      group_.start(node);
    }
    fail_over(true);
  }

  void flip() {
    if (flip_back_) return;
    flip_back_ = group_.assignment().primary;
    flip_at_ = group_.now() + 100ms + random_.below(Duration{700ms});
    std::vector<std::uint8_t> groups(group_.size());
    groups[primary()] = 1;
    group_.split(std::move(groups));
    fail_over(false);
  }

  void flip_back() {
    auto desired = group_.assignment();
    const auto old = *std::exchange(flip_back_, std::nullopt);
    const auto node = ShardGroup::node_of(old);
    if (random_.chance(0.7)) group_.split({});
    if (!group_.exists(old) || !group_.is_up(node) || !holds(desired.in_sync, old)) return;
    desired.epoch = next(desired.epoch);
    desired.primary = old;
    desired.start = StartId{group_.life_of(node)};
    group_.swap(node, desired);
  }

  /// The planner: another replica, or one less that is not in sync.
  void change_replicas() {
    auto desired = group_.assignment();
    desired.epoch = next(desired.epoch);
    std::erase_if(desired.replicas, [&](const Replica& id) {
      return !holds(desired.in_sync, id) && (!group_.exists(id) || random_.chance(0.5));
    });
    const auto added = group_.id_of(any());
    if (!holds(desired.replicas, added)) desired.replicas.push_back(added);
    group_.swap(primary(), desired);
  }

  /// A disk is lost only while two others of I have theirs: what one may lose, and no more.
  void wipe() {
    const auto node = any();
    std::size_t others = 0;
    for (const auto& member : group_.assignment().in_sync)
      others += group_.exists(member) && member != group_.id_of(node) ? 1 : 0;
    if (others < 2 || wiped_) return;
    wiped_ = true;
    group_.wipe(node);
    group_.start(node);
  }

  void settle() {
    group_.heal();
    const auto end = group_.now() + settle_limit;
    while (group_.now() < end && group_.problem().empty() && !agreed_) {
      for (int i = 0; i < 100; ++i) {
        keep_going();
        group_.run_until(group_.now() + 10ms);
      }
      for (std::size_t i = 0; i < group_.size(); ++i) group_.append(i);
      for (std::size_t i = 0; i < group_.size(); ++i) group_.tell_assignment(i);
      group_.read(primary());
      if (random_.chance(0.5)) change_replicas();
      group_.run_until(group_.now() + 2s);
      agreed_ = agree();
    }
  }

  /// Whoever is in sync has all that is committed, the primary serves, enough are in sync.
  bool agree() {
    const auto& now = group_.assignment();
    const auto node = primary();
    if (!group_.exists(now.primary) || !group_.is_up(node)) return false;
    const auto& leader = group_.replica(node);
    if (!leader.serves() || leader.commit() != leader.last()) return false;
    std::size_t live = 0;
    for (const auto& member : now.in_sync) {
      if (!group_.exists(member)) return false;
      ++live;
      if (group_.replica(ShardGroup::node_of(member)).last() != leader.last()) return false;
    }
    return live >= config_.min_in_sync && group_.acknowledged() > 0;
  }

  Random trims_;  ///< of its own: in every other seed logs are trimmed
  double trimming_ = trims_.chance(0.5) ? trims_.unit() / 20 : 0;
  Random random_;
  Swarm swarm_;
  ShardGroupConfig config_;
  ShardGroup group_;
  ShardRunResult result_{};
  std::vector<std::size_t> served_{};
  std::vector<Assignment> proposed_{};
  std::optional<Replica> flip_back_{};
  Instant flip_at_{}, usurped_until_{};
  std::size_t usurped_{};
  bool agreed_ = false, wiped_ = false;
};

}  // namespace

ShardRunResult run_shard(std::uint64_t seed) { return ShardRun(seed).run(); }

}  // namespace coterie::sim
