#include <doctest/doctest.h>

#include "coterie/replication/raft/log.hpp"
#include "coterie/replication/raft/messages.hpp"

using namespace coterie::replication::raft;

namespace {

Entry command(std::uint64_t term) { return {Term{term}, EntryKind::command, {1, 2, 3}}; }
Entry voters(std::uint64_t term, std::vector<MemberId> ids) {
  return {Term{term}, EntryKind::configuration, encode(Configuration{std::move(ids), {}})};
}

}  // namespace

TEST_CASE("raft log: terms are known from the snapshot's index to the last entry") {
  Log log({.index = Index{5}, .term = Term{2}}, {command(2), command(3)});
  CHECK(log.last() == Index{7});
  CHECK(log.last_term() == Term{3});
  CHECK(log.term(Index{4}) == std::nullopt);
  CHECK(log.term(Index{5}) == Term{2});
  CHECK(log.term(Index{7}) == Term{3});
  CHECK(log.term(Index{8}) == std::nullopt);
  CHECK(log.bytes() == 6);
  CHECK(Log({}, {}).last() == Index{0});
}

TEST_CASE("raft log: the first index of a term is not looked for below the snapshot") {
  Log log({.index = Index{5}, .term = Term{2}}, {command(2), command(3), command(3)});
  CHECK(log.first_of_term(Index{8}) == Index{7});
  CHECK(log.first_of_term(Index{7}) == Index{7});
  CHECK(log.first_of_term(Index{6}) == Index{5});
}

TEST_CASE("raft log: the newest configuration is in force, and truncation takes it back") {
  const MemberId a{"a", 1}, b{"b", 2};
  Log log({.index = Index{1}, .term = Term{1}, .configuration = {{a}, {}}}, {});
  CHECK(log.configuration().voters == std::vector{a});
  CHECK(log.configuration_index() == Index{1});
  log.append(command(1));
  log.append(voters(1, {a, b}));
  log.append(command(1));
  CHECK(log.configuration().voters == std::vector{a, b});
  CHECK(log.configuration_index() == Index{3});
  log.truncate_from(Index{4});
  CHECK(log.configuration_index() == Index{3});
  log.truncate_from(Index{3});
  CHECK(log.configuration().voters == std::vector{a});
}

TEST_CASE("raft log: a snapshot keeps what follows it, and drops all if its entry is another one") {
  const Snapshot at_six{.index = Index{6}, .term = Term{2}};
  Log same({.index = Index{5}, .term = Term{2}}, {command(2), command(3)});
  same.install(at_six);
  CHECK(same.last() == Index{7});
  CHECK(same.size() == 1);
  CHECK(same.bytes() == 3);
  Log other({.index = Index{5}, .term = Term{1}}, {command(1), command(3)});
  other.install(at_six);
  CHECK(other.last() == Index{6});
  CHECK(other.last_term() == Term{2});
  CHECK(other.bytes() == 0);
}
