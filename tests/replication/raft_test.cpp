#include "coterie/replication/raft/raft.hpp"

#include <doctest/doctest.h>

using namespace coterie;
using namespace coterie::replication::raft;

namespace {

const MemberId a{"a", 1}, b{"b", 2}, c{"c", 3}, d{"d", 4};
const Instant zero{1'000'000'000};

Stored first(std::vector<MemberId> voters) {
  Stored stored{.hard = {.term = Term{1}}, .snapshot = {.index = Index{1}, .term = Term{1}}};
  stored.snapshot.configuration.voters = std::move(voters);
  return stored;
}

template <class E>
std::vector<E> all(const Effects& effects) {
  std::vector<E> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<E>(&effect)) out.push_back(*e);
  return out;
}
template <class B>
std::vector<std::pair<MemberId, B>> said(const Effects& effects) {
  std::vector<std::pair<MemberId, B>> out;
  for (const auto& send : all<Send>(effects))
    if (const auto* body = std::get_if<B>(&send.message.body))
      out.emplace_back(send.message.to, *body);
  return out;
}

/// A member that the test talks to; its disk answers when the test says so.
struct Member {
  explicit Member(Stored stored, RaftConfig config = {})
      : raft(config, a, std::move(stored), Random(1), zero) {}
  Effects hear(const MemberId& from, std::uint64_t term, decltype(Message::body) body) {
    return raft.receive({.from = from, .to = a, .term = Term{term}, .body = std::move(body)}, now);
  }
  Effects sync() { return raft.persisted(++batch, now); }
  Effects pass(Duration span) {
    now = now + span;
    return raft.tick(now);
  }
  /// Of three voters, elected in term 2 by b.
  static Member leader(RaftConfig config = {}) {
    Member m(first({a, b, c}), config);
    (void)m.pass(2s);
    (void)m.hear(b, 1, VoteReply{.pre = true, .granted = true});
    (void)m.sync();
    (void)m.hear(b, 2, VoteReply{.granted = true});
    REQUIRE(m.raft.leads());
    return m;
  }
  /// What a follower that has everything answers to the newest message.
  Effects accepts(const MemberId& from, std::uint64_t round) {
    return hear(from, 2, AppendReply{true, raft.log().last(), {}, round});
  }
  Raft raft;
  Instant now = zero;
  std::uint64_t batch = 0;
};

}  // namespace

TEST_CASE("raft: a single voter leads once its vote for itself is durable, and not before") {
  Member m(first({a}));
  CHECK(m.raft.next_deadline() >= zero + 500ms);
  CHECK(m.raft.next_deadline() <= zero + 1s);
  const auto effects = m.pass(1s);
  REQUIRE(all<Persist>(effects).size() == 1);
  CHECK(all<Persist>(effects)[0].hard == HardState{Term{2}, a});
  CHECK(m.raft.role() == Role::candidate);
  (void)m.sync();
  CHECK(m.raft.leads());
  CHECK(m.raft.commit() == Index{1});
  const auto applied = all<Apply>(m.sync());  // its first entry
  REQUIRE(applied.size() == 1);
  CHECK(applied[0].index == Index{2});
}

TEST_CASE("raft: who is no voter waits for ever, and a member with another disk is not meant") {
  Member m({});
  CHECK(m.raft.next_deadline() == never);
  const Message to_another{.from = b, .to = {"a", 99}, .term = Term{9}, .body = TimeoutNow{}};
  CHECK(m.raft.receive(to_another, zero).empty());
  CHECK(m.raft.term() == Term{0});
}

TEST_CASE("raft: a vote is answered when it is durable, and one is given in a term") {
  Member m(first({a, b, c}));
  const VoteRequest request{.last = Index{1}, .last_term = Term{1}};
  CHECK(said<VoteReply>(m.hear(b, 2, request)).empty());
  const auto votes = said<VoteReply>(m.sync());
  REQUIRE(votes.size() == 1);
  CHECK(votes[0] == std::pair{b, VoteReply{.granted = true}});
  CHECK(said<VoteReply>(m.hear(c, 2, request)) ==
        std::vector{std::pair{c, VoteReply{.granted = false}}});
  CHECK(said<VoteReply>(m.hear(b, 2, request))[0].second.granted);  // it asks again
}

TEST_CASE("raft: a candidate whose log is behind gets no vote") {
  auto stored = first({a, b, c});
  stored.entries = {{Term{1}, EntryKind::command, {}}};
  Member m(std::move(stored));
  CHECK_FALSE(said<VoteReply>(
                  m.hear(b, 1, VoteRequest{.pre = true, .last = Index{1}, .last_term = Term{1}}))[0]
                  .second.granted);
  CHECK(said<VoteReply>(
            m.hear(b, 1, VoteRequest{.pre = true, .last = Index{2}, .last_term = Term{1}}))[0]
            .second.granted);
  CHECK(m.raft.term() == Term{1});  // to be asked is not to change
}

TEST_CASE("raft: who hears a leader does not help to unseat it, until it suspects it") {
  Member m(first({a, b, c}));
  (void)m.hear(b, 1, AppendEntries{.previous = Index{1}, .previous_term = Term{1}});
  const VoteRequest request{.pre = true, .last = Index{1}, .last_term = Term{1}};
  CHECK(m.hear(c, 1, request).empty());
  (void)m.raft.suspect("c", m.now);
  CHECK(m.hear(c, 1, request).empty());
  (void)m.raft.suspect("b", m.now);
  CHECK(m.raft.next_deadline() == m.now + 5ms);  // the first of the list
  CHECK(said<VoteReply>(m.hear(c, 1, request))[0].second.granted);
}

TEST_CASE("raft: an answer to entries waits for the disk, and says no more than was verified") {
  Member m(first({a, b, c}));
  const AppendEntries append{.previous = Index{1},
                             .previous_term = Term{1},
                             .commit = Index{9},
                             .round = 4,
                             .entries = {{Term{1}, EntryKind::command, {7}}}};
  const auto effects = m.hear(b, 1, append);
  CHECK(said<AppendReply>(effects).empty());
  CHECK(all<Apply>(effects).size() == 1);  // a quorum has it, ours need not be durable
  CHECK(m.raft.commit() == Index{2});
  const auto replies = said<AppendReply>(m.sync());
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].second == AppendReply{true, Index{2}, Index{0}, 4});
  const AppendEntries ahead{.previous = Index{5}, .previous_term = Term{1}, .round = 5};
  CHECK(said<AppendReply>(m.hear(b, 1, ahead))[0].second ==
        AppendReply{false, Index{0}, Index{3}, 5});
}

TEST_CASE("raft: a leader commits what a quorum has, its own disk no more than any other") {
  auto m = Member::leader();
  Effects out;
  CHECK(m.raft.propose({1}, out) == Index{3});
  CHECK(all<Apply>(m.accepts(b, 1)).empty());  // b alone is no quorum
  CHECK(all<Apply>(m.accepts(c, 2)).size() == 2);
  CHECK(m.raft.commit() == Index{3});
}

TEST_CASE("raft: one message with entries is under way, and a doubled answer asks for nothing") {
  auto m = Member::leader();
  Effects out;
  (void)m.raft.propose({1}, out);
  CHECK(said<AppendEntries>(out).empty());  // the first entry is still under way
  const auto second = said<AppendEntries>(m.hear(b, 2, AppendReply{true, Index{2}, {}, 1}));
  REQUIRE(second.size() == 1);
  CHECK(second[0].second.entries.size() == 1);
  CHECK(said<AppendEntries>(m.hear(b, 2, AppendReply{true, Index{2}, {}, 1})).empty());
}

TEST_CASE("raft: a leader that no quorum answers steps down") {
  auto m = Member::leader();
  (void)m.pass(999ms);
  CHECK(m.raft.leads());
  (void)m.accepts(b, 1);
  (void)m.pass(1ms);
  CHECK(m.raft.leads());
  const auto effects = m.pass(1s);
  CHECK_FALSE(m.raft.leads());
  CHECK(all<LeaderChanged>(effects) == std::vector{LeaderChanged{Term{2}, {}}});
}

TEST_CASE("raft: proposals have a bound, and nobody else takes any") {
  auto m = Member::leader({.max_uncommitted = 3});
  Effects out;
  CHECK(m.raft.propose({1}, out));
  CHECK(m.raft.propose({2}, out));
  CHECK_FALSE(m.raft.propose({3}, out));
  Member follower(first({a, b, c}));
  CHECK_FALSE(follower.raft.propose({1}, out));
}

TEST_CASE("raft: a read is answered after a quorum answered something sent later") {
  auto m = Member::leader();
  (void)m.sync();
  (void)m.accepts(b, 1);
  CHECK(said<AppendEntries>(m.raft.read(5, m.now)).size() == 2);  // rounds 3 and 4
  CHECK(all<ReadReady>(m.accepts(b, 2)).empty());
  CHECK(all<ReadReady>(m.accepts(b, 3)) == std::vector{ReadReady{5}});
  (void)m.raft.read(6, m.now);
  CHECK(all<ReadFailed>(m.hear(c, 9, AppendReply{})) == std::vector{ReadFailed{6}});
  CHECK(all<ReadFailed>(m.raft.read(7, m.now)) == std::vector{ReadFailed{7}});
}

TEST_CASE("raft: one change at a time, after an entry of its own term, and never of the leader") {
  auto m = Member::leader();
  Effects out;
  CHECK_FALSE(m.raft.add_learner(d, m.now, out));  // nothing of term 2 is committed
  (void)m.sync();
  (void)m.accepts(b, 1);
  CHECK_FALSE(m.raft.remove(a, m.now, out));
  CHECK_FALSE(m.raft.remove(d, m.now, out));
  CHECK(m.raft.add_learner(d, m.now, out));
  CHECK(said<AppendEntries>(out).back().first == d);
  CHECK_FALSE(m.raft.remove(c, m.now, out));  // the first one is not committed
  (void)m.sync();
  (void)m.accepts(b, 100);
  CHECK(m.raft.configuration().is_learner(d));
  CHECK_FALSE(m.raft.promote(d, m.now, out));  // it has nothing yet
  (void)m.accepts(d, 100);
  CHECK(m.raft.promote(d, m.now, out));
  CHECK(m.raft.configuration().quorum() == 3);
}

TEST_CASE("raft: leadership is handed to who has everything, or kept after a pause") {
  auto m = Member::leader();
  (void)m.sync();
  Effects out;
  CHECK_FALSE(m.raft.transfer(d, m.now, out));
  CHECK(m.raft.transfer(b, m.now, out));
  CHECK(said<TimeoutNow>(out).empty());
  CHECK_FALSE(m.raft.propose({1}, out));
  CHECK(said<TimeoutNow>(m.accepts(b, 1)).size() == 1);
  (void)m.pass(500ms);
  CHECK_FALSE(m.raft.propose({1}, out));
  (void)m.accepts(c, 2);
  (void)m.pass(500ms);
  CHECK(m.raft.leads());
  CHECK(m.raft.propose({1}, out));
}

TEST_CASE("raft: a follower that is too far behind gets the snapshot in chunks") {
  auto m = Member::leader({.chunk_bytes = 4});
  (void)m.sync();
  (void)m.accepts(b, 1);
  Effects out;
  (void)m.raft.propose({1}, out);
  (void)m.sync();
  (void)m.accepts(b, 100);
  CHECK(m.raft.applied() == Index{3});
  CHECK(all<Persist>(m.raft.compact({1, 2, 3, 4, 5, 6})).size() == 1);
  ++m.batch;  // c refused everything so far
  const auto begins = said<SnapshotChunk>(m.hear(c, 2, AppendReply{false, {}, Index{1}, 100}));
  REQUIRE(begins.size() == 1);
  CHECK(begins[0].second.index == Index{3});
  CHECK(begins[0].second.part == Bytes{1, 2, 3, 4});
  const auto more = said<SnapshotChunk>(m.hear(c, 2, SnapshotReply{Index{3}, 4, 100}));
  REQUIRE(more.size() == 1);
  CHECK(more[0].second.offset == 4);
  CHECK(more[0].second.part == Bytes{5, 6});
}

TEST_CASE(
    "raft: a snapshot is taken over when its last chunk is there, and answered when durable") {
  Member m(first({a, b, c}));
  SnapshotChunk chunk{.index = Index{9},
                      .index_term = Term{1},
                      .configuration = {{b, c}, {a}},
                      .size = 3,
                      .offset = 0,
                      .round = 1,
                      .part = {1, 2}};
  CHECK(all<Restore>(m.hear(b, 1, chunk)).empty());
  chunk.offset = 2;
  chunk.part = {3};
  const auto effects = m.hear(b, 1, chunk);
  REQUIRE(all<Restore>(effects).size() == 1);
  CHECK(all<Restore>(effects)[0].snapshot.state == Bytes{1, 2, 3});
  CHECK(said<SnapshotReply>(effects).empty());
  CHECK(said<SnapshotReply>(m.sync())[0].second == SnapshotReply{Index{9}, 3, 1});
  CHECK(m.raft.applied() == Index{9});
  CHECK(m.raft.next_deadline() == never);  // it has no vote any more
}
