#include "coterie/replication/voters.hpp"

#include <doctest/doctest.h>

#include "coterie/core/random.hpp"
#include "coterie/replication/learner_watch.hpp"

using namespace coterie;
using namespace coterie::replication;
using Kind = VoterChange::Kind;

namespace {

const Instant now{10'000'000'000'000};
raft::MemberId id(char name, std::uint64_t disk = 1) { return {std::string(1, name), disk}; }

struct Pool {
  std::vector<VoterCandidate> members{};
  raft::Configuration configuration{{id('a')}, {}};
  Instant known_since = now;
  explicit Pool(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) members.push_back({.id = id(char('a' + i))});
  }
  std::optional<VoterChange> plan(char leader = 'a') const {
    return plan_voters(configuration, id(leader), members, known_since, now);
  }
  /// Until there is nothing to do; how many steps that took.
  std::size_t settle(char leader = 'a') {
    for (std::size_t steps = 0; steps < 100; ++steps) {
      const auto change = plan(leader);
      if (!change || change->kind == Kind::hand_over) return steps;
      if (change->kind == Kind::remove && configuration.is_voter(change->id)) {
        std::size_t live = 0;
        for (const auto& member : members)
          live += configuration.is_voter(member.id) && member.id != change->id &&
                  member.away_since == never;
        CHECK(2 * live > configuration.voters.size() - 1);
      }
      std::erase(configuration.learners, change->id);
      std::erase(configuration.voters, change->id);
      if (change->kind == Kind::add_learner) configuration.learners.push_back(change->id);
      if (change->kind == Kind::promote) configuration.voters.push_back(change->id);
    }
    return 100;
  }
  void away(char name, Duration span, bool left = false) {
    for (auto& member : members)
      if (member.id.node == std::string(1, name)) {
        member.away_since = now - span;
        member.left = left;
      }
  }
};

}  // namespace

TEST_CASE("voters: one of one or two members, three of three or four, five of five or more") {
  const std::size_t wanted[] = {0, 1, 1, 3, 3, 5, 5, 5};
  for (std::size_t size = 1; size < 8; ++size) {
    Pool pool(size);
    CHECK(pool.settle() < 100);
    CHECK(pool.configuration.voters.size() == wanted[size]);
    CHECK(pool.configuration.learners.empty());
  }
}

TEST_CASE("voters: a learner comes first, and is promoted before anybody is removed") {
  Pool pool(4);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.away('c', replace_after);
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('d')});
  pool.configuration.learners = {id('d')};
  CHECK(pool.plan() == VoterChange{Kind::promote, id('d')});
  pool.configuration = {{id('a'), id('b'), id('c'), id('d')}, {}};
  CHECK(pool.plan() == VoterChange{Kind::remove, id('c')});
}

TEST_CASE("voters: where two are missing both have learned before the first of them votes") {
  Pool pool(5);
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('b')});
  pool.configuration.learners = {id('b')};
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('c')});
  pool.configuration.learners = {id('b'), id('c')};
  pool.members[2].lags = true;
  CHECK_FALSE(pool.plan());
  pool.members[2].lags = false;
  CHECK(pool.plan() == VoterChange{Kind::promote, id('b')});
  pool.configuration = {{id('a'), id('b')}, {id('c')}};
  CHECK(pool.plan() == VoterChange{Kind::promote, id('c')});
  pool.configuration = {{id('a'), id('b'), id('c')}, {}};
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('d')});
  // Who does not catch up does not keep the other one from voting.
  pool.configuration = {{id('a')}, {id('b'), id('c')}};
  for (std::size_t i : {2, 3, 4}) pool.members[i].passed_over = true;
  CHECK(pool.plan() == VoterChange{Kind::remove, id('c')});
  pool.configuration = {{id('a')}, {id('b')}};
  CHECK(pool.plan() == VoterChange{Kind::promote, id('b')});
}

TEST_CASE("voters: who is away is waited for ten minutes, who left half a minute") {
  Pool pool(4);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.away('c', replace_after - 1ns);
  CHECK_FALSE(pool.plan());
  pool.away('c', replace_left_after - 1ns, true);
  CHECK_FALSE(pool.plan());
  pool.away('c', replace_left_after, true);
  CHECK(pool.plan());
}

TEST_CASE("voters: a disk that was replaced votes no longer, and its node learns anew") {
  Pool pool(3);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.members[2].id.disk = 2;
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('c', 2)});
  CHECK(pool.settle() < 100);
  CHECK(pool.configuration.voters == std::vector{id('a'), id('b'), id('c', 2)});
}

TEST_CASE("voters: who is away does not become one, and a learner that went away is dropped") {
  Pool pool(3);
  pool.away('b', 1s);
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('c')});
  pool.configuration.learners = {id('b')};
  CHECK(pool.plan() == VoterChange{Kind::remove, id('b')});
}

TEST_CASE("voters: the leader never removes itself") {
  Pool pool(2);
  pool.configuration.voters = {id('a'), id('b')};
  CHECK(pool.settle() == 1);
  CHECK(pool.configuration.voters == std::vector{id('a')});
}

// A leader that was just restarted knows nobody who is down: its pool never told it of them.
TEST_CASE("voters: one that this leader never saw is waited for as long as one that went away") {
  Pool pool(2);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.known_since = now - replace_after + 1ns;
  CHECK_FALSE(pool.plan());
  pool.known_since = now - replace_after;
  CHECK(pool.plan() == VoterChange{Kind::remove, id('c')});
}

TEST_CASE("voters: who cannot be reached by its link is no candidate, and no learner for long") {
  Pool pool(4);
  pool.members[1].reachable = false;
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('c')});
  pool.configuration.learners = {id('b')};
  CHECK(pool.plan() == VoterChange{Kind::remove, id('b')});
}

TEST_CASE("voters: who drains is replaced by another one, and the leader hands over first") {
  Pool pool(4);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.members[0].draining = true;
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('d')});
  pool.configuration.learners = {id('d')};
  CHECK(pool.plan() == VoterChange{Kind::promote, id('d')});
  pool.configuration = {{id('a'), id('b'), id('c'), id('d')}, {}};
  CHECK(pool.plan() == VoterChange{Kind::hand_over, id('a')});
  CHECK(pool.plan('b') == VoterChange{Kind::remove, id('a')});
}

TEST_CASE("voters: the only voter drains: the other member votes alone in the end") {
  Pool pool(2);
  pool.members[0].draining = true;
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('b')});
  pool.configuration = {{id('a'), id('b')}, {}};
  CHECK(pool.plan() == VoterChange{Kind::hand_over, id('a')});
  CHECK(pool.plan('b') == VoterChange{Kind::remove, id('a')});
  pool.configuration = {{id('b')}, {}};
  CHECK_FALSE(pool.plan('b'));
}

TEST_CASE("voters: with nobody to take its place one of three that drains stays a voter") {
  Pool pool(3);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.members[2].draining = true;
  CHECK_FALSE(pool.plan());  // the others are a majority without it
  pool.members[1].draining = true;
  CHECK(pool.plan() == VoterChange{Kind::remove, id('b')});
  pool.configuration.voters = {id('a'), id('c')};
  CHECK(pool.plan() == VoterChange{Kind::remove, id('c')});
  pool.configuration.voters = {id('a')};
  CHECK_FALSE(pool.plan());
}

TEST_CASE("voters: a drain takes no vote that the others need to be a majority that is there") {
  Pool pool(3);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  pool.members[0].draining = pool.members[2].draining = true;
  pool.away('b', 1s);
  CHECK(pool.plan() == VoterChange{Kind::hand_over, id('a')});  // to whom? nothing is removed
  pool.members[0].draining = false;
  CHECK_FALSE(pool.plan());
}

TEST_CASE("voters: when all drain, all that vote go on") {
  Pool pool(3);
  pool.configuration.voters = {id('a'), id('b'), id('c')};
  for (auto& member : pool.members) member.draining = true;
  CHECK_FALSE(pool.plan());
}

TEST_CASE("voters: of too many, who is away goes first") {
  Pool pool(4);
  pool.configuration.voters = {id('a'), id('b'), id('c'), id('d')};
  pool.away('b', 1s);
  CHECK(pool.plan() == VoterChange{Kind::remove, id('b')});
}

TEST_CASE("voters: who learned for too long makes room for the next") {
  Pool pool(4);
  pool.configuration = {{id('a')}, {id('b')}};
  pool.members[1].passed_over = true;
  CHECK(pool.plan() == VoterChange{Kind::remove, id('b')});
  pool.configuration = {{id('a')}, {}};
  CHECK(pool.plan() == VoterChange{Kind::add_learner, id('c')});
}

TEST_CASE("voters: they are spread over zones, one more before one is removed, and then stay") {
  const char* const zones[] = {"x", "x", "x", "x", "y", "z"};
  Pool three(6);
  for (std::size_t i = 0; i < 6; ++i) three.members[i].zone = zones[i];
  three.members = {three.members[0], three.members[1], three.members[2], three.members[5]};
  three.configuration.voters = {id('a'), id('b'), id('c')};
  CHECK(three.plan() == VoterChange{Kind::add_learner, id('f')});
  three.configuration.learners = {id('f')};
  CHECK(three.plan() == VoterChange{Kind::promote, id('f')});
  three.configuration = {{id('a'), id('b'), id('c'), id('f')}, {}};
  CHECK(three.plan() == VoterChange{Kind::remove, id('c')});
  three.configuration = {{id('a'), id('b'), id('f')}, {}};
  CHECK_FALSE(three.plan());  // there are no more zones
}

TEST_CASE("voters: whatever the zones, draining and absences are, it comes to an end") {
  Random random(7);
  for (int run = 0; run < 3000; ++run) {
    Pool pool(1 + random.below(std::uint64_t{8}));
    for (auto& member : pool.members) {
      if (random.chance(0.7))
        member.zone = std::string(1, char('x' + random.below(std::uint64_t{3})));
      member.draining = random.chance(0.2);
      member.passed_over = random.chance(0.1);
      if (member.id != id('a') && random.chance(0.2)) pool.away(member.id.node[0], 1s);
    }
    for (char leader = 'a'; leader;) {
      CHECK(pool.settle(leader) < 100);
      const auto last = pool.plan(leader);
      if (!last) break;
      REQUIRE(last->kind == Kind::hand_over);
      leader = 0;
      for (const auto& voter : pool.configuration.voters)
        for (const auto& member : pool.members)
          if (member.id == voter && !member.draining) leader = voter.node[0];
    }
    std::size_t draining = 0, staying = 0;
    for (const auto& voter : pool.configuration.voters)
      for (const auto& member : pool.members)
        if (member.id == voter) ++(member.draining ? draining : staying);
    CHECK((draining == 0 || staying == 0 || staying > draining));
  }
}

TEST_CASE("voters: a learner is waited for a minute, and passed over for ten") {
  LearnerWatch watch;
  CHECK_FALSE(watch.look({id('b')}, now));
  CHECK_FALSE(watch.look({id('b')}, now + learner_limit - 1ns));
  CHECK(watch.look({id('b')}, now + learner_limit) == id('b'));
  CHECK_FALSE(watch.look({id('b')}, now + learner_limit));  // it is told once
  CHECK(watch.passed_over(id('b'), now + learner_limit + pass_over_for - 1ns));
  CHECK_FALSE(watch.passed_over(id('b'), now + learner_limit + pass_over_for));
  CHECK_FALSE(watch.look({id('c')}, now + learner_limit));  // its own minute
}
