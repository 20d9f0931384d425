#include "coterie/sim/raft_run.hpp"

#include "coterie/sim/raft_group.hpp"

namespace coterie::sim {
namespace {

using replication::raft::MemberId;

constexpr Duration faults_for = 30s;
constexpr Duration settle_limit = 60s;

/// What goes wrong in this run, and how often a second (swarm testing, Groce 2012: each seed leaves
/// some faults out, so that the others go deeper).
struct Swarm {
  explicit Swarm(Random& random) {
    const auto rate = [&](double most) { return random.chance(0.5) ? random.unit() * most : 0; };
    kills = rate(1.0);
    splits = rate(0.5);
    pauses = rate(0.5);
    changes = rate(2.0);
    wipes = rate(0.1);
    transfers = rate(1.0);
    young = rate(1.0);
    forgetful = rate(1.0);
    rivals = random.chance(0.5);
    suspects = rate(1.0);
    reads = 1 + rate(20);
    single = random.chance(0.5);
    proposals = 2 + random.unit() * (single ? 5 : 50);
  }
  double kills, splits, pauses, changes, wipes, transfers, suspects, reads, proposals;
  double young;  ///< the chance that a leader is cut off as soon as it leads (the paper's figure 8)
  double forgetful;  ///< the chance that a member is restarted as soon as it gave its vote
  bool rivals;       ///< all who suspect a leader ask for an election at once
  bool single;       ///< one entry a message, so that members stand between any two entries
};

RaftGroupConfig group_of(std::uint64_t seed, const Swarm& swarm, Random& random) {
  const auto nodes = 2 + random.below(std::uint64_t{4});
  return {.seed = seed,
          .nodes = nodes,
          .voters = random.chance(0.3) ? 1 : 1 + random.below(nodes),
          .loss = random.chance(0.5) ? random.unit() * 0.2 : 0,
          .doubled = random.chance(0.5) ? random.unit() * 0.2 : 0,
          .latency = random.chance(0.3) ? Duration{60ms} : Duration{2ms},
          .sync = random.chance(0.3) ? Duration{40ms} : Duration{3ms},
          .compact_at = 4 + random.below(std::uint64_t{60}),
          .batch_bytes = swarm.single ? std::size_t{1} : std::size_t{64 * 1024},
          .hint_spread = swarm.rivals ? Duration{0} : Duration{40ms},
          .padding = random.chance(0.5) ? random.below(std::uint64_t{6000}) : 0};
}

class RaftRun {
 public:
  explicit RaftRun(std::uint64_t seed)
      : random_(seed ^ 0x5eed), swarm_(random_), group_(group_of(seed, swarm_, random_)) {}

  RaftRunResult run() {
    group_.on_vote = [this](std::size_t voter) { voted_.push_back(voter); };
    const auto end = group_.now() + faults_for;
    while (group_.now() < end && group_.problem().empty()) {
      step();
      group_.run_until(group_.now() + 10ms);
    }
    settle();
    result_.problem = group_.problem();
    if (result_.problem.empty() && !agreed_)
      result_.problem = "healed, and yet no agreement: " + group_.describe();
    result_.passed = result_.problem.empty();
    result_.trace = group_.trace();
    result_.committed = group_.committed();
    result_.terms = group_.terms_led();
    result_.reads = group_.reads_done();
    return result_;
  }

 private:
  std::size_t any() { return random_.below(std::uint64_t{group_.size()}); }
  bool now_and_then(double a_second) { return random_.chance(a_second / 100); }

  /// Half of all faults aim at who leads: that is where the protocol is.
  std::size_t victim() {
    const auto leader = group_.leader();
    return leader && random_.chance(0.5) ? *leader : any();
  }

  void step() {
    for (const auto voter : std::exchange(voted_, {}))
      if (random_.chance(swarm_.forgetful)) {
        kill(voter);
        group_.start(voter);
      }
    for (double left = swarm_.proposals / 100; random_.chance(std::min(1.0, left)); left -= 1)
      group_.propose(group_.leader().value_or(any()));
    if (now_and_then(5)) group_.propose(any());
    if (now_and_then(swarm_.reads)) group_.read(any());
    if (now_and_then(swarm_.kills)) kill(victim());
    if (now_and_then(3)) group_.start(any());
    if (now_and_then(swarm_.pauses)) group_.pause(victim(), random_.below(Duration{5s}));
    if (now_and_then(swarm_.splits)) split();
    if (now_and_then(1)) group_.split({});
    if (now_and_then(swarm_.suspects)) {
      const auto whom = victim();
      for (std::size_t i = 0; i < group_.size(); ++i)
        if (random_.chance(0.7)) group_.suspect(i, whom);
    }
    const auto leader = group_.leader();
    if (!leader) return;
    if (const auto term = group_.raft(*leader).term(); std::exchange(newest_, term) != term)
      if (random_.chance(swarm_.young)) return cut_off(*leader);
    if (now_and_then(swarm_.changes)) change(*leader);
    if (now_and_then(swarm_.wipes)) wipe(*leader);
    const auto& voters = group_.raft(*leader).configuration().voters;
    if (now_and_then(swarm_.transfers) && !voters.empty())
      group_.transfer(*leader, voters[random_.below(std::uint64_t{voters.size()})]);
  }

  bool exists(const MemberId& id) const {
    return group_.id_of(static_cast<std::size_t>(id.node.at(0) - 'a')) == id;
  }

  void kill(std::size_t node) {
    if (!group_.is_up(node)) return;
    ++result_.kills;
    group_.kill(node);
    if (random_.chance(0.5)) group_.start(node);  // a restart so quick that nobody noticed
  }

  void cut_off(std::size_t node) {
    std::vector<std::uint8_t> groups(group_.size());
    groups[node] = 1;
    group_.split(std::move(groups));
    if (random_.chance(0.5)) kill(node);
  }

  void split() {
    std::vector<std::uint8_t> groups;
    for (std::size_t i = 0; i < group_.size(); ++i) groups.push_back(random_.chance(0.5) ? 1 : 0);
    group_.split(std::move(groups));
  }

  void change(std::size_t leader) {
    ++result_.changes;
    const auto& configuration = group_.raft(leader).configuration();
    const auto pick = [&](const std::vector<MemberId>& from) {
      return from[random_.below(std::uint64_t{from.size()})];
    };
    for (const auto& id : configuration.voters)  // first of all whoever lost its disk
      if (!exists(id)) return group_.remove(leader, id);
    switch (random_.below(std::uint64_t{3})) {
      case 0: return group_.add_learner(leader, any());
      case 1:
        if (!configuration.learners.empty()) group_.promote(leader, pick(configuration.learners));
        return;
      default:
        if (configuration.voters.size() > 1 || !configuration.learners.empty())
          group_.remove(leader, random_.chance(0.7) || configuration.learners.empty()
                                    ? pick(configuration.voters)
                                    : pick(configuration.learners));
    }
  }

  /// At most one voter of three or more at a time has lost its disk: two would be a lost quorum,
  /// which no protocol survives.
  void wipe(std::size_t leader) {
    const auto& configuration = group_.raft(leader).configuration();
    if (configuration.voters.size() < 3) return;
    if (group_.raft(leader).log().configuration_index() > group_.raft(leader).commit()) return;
    for (const auto& id : configuration.voters)
      if (!exists(id)) return;  // one is lost already
    const auto node = any();
    if (node == leader || wiped_) return;
    wiped_ = true;
    group_.wipe(node);
    group_.start(node);
  }

  void settle() {
    group_.heal();
    const auto end = group_.now() + settle_limit;
    while (group_.now() < end && group_.problem().empty() && !agreed_) {
      if (const auto leader = group_.leader()) {
        group_.propose(*leader);
        group_.read(*leader);
      }
      group_.run_until(group_.now() + 500ms);
      agreed_ = agree();
    }
  }

  /// Whoever is of the group has applied the same, and something after the faults ended.
  bool agree() {
    const auto leader = group_.leader();
    if (!leader) return false;
    const auto& raft = group_.raft(*leader);
    if (raft.applied() < raft.log().last() || group_.committed() == 0) return false;
    for (std::size_t i = 0; i < group_.size(); ++i) {
      if (!raft.configuration().contains(group_.id_of(i))) continue;
      if (group_.raft(i).applied() != raft.applied()) return false;
      if (group_.state_of(i) != group_.state_of(*leader)) return false;
    }
    return true;
  }

  Random random_;
  Swarm swarm_;
  RaftGroup group_;
  RaftRunResult result_{};
  replication::raft::Term newest_{};
  std::vector<std::size_t> voted_{};
  bool agreed_ = false, wiped_ = false;
};

}  // namespace

RaftRunResult run_raft(std::uint64_t seed) { return RaftRun(seed).run(); }

}  // namespace coterie::sim
