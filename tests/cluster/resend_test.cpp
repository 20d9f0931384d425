/// Commands whose owner falls: they go to the next one, in their order, and have their effect once.
#include "other_node.hpp"

using namespace coterie;
using namespace coterie::cluster;

namespace {

constexpr CommandId first{7, 1}, second{7, 2}, third{7, 3}, fourth{7, 4};

/// Every shard is led by the peer, "0", until told otherwise.
struct Owners : Bench {
  Owners() : Bench(false, of_cluster(1)), peer(std::make_unique<OtherNode>(*this)) {
    lead("0", Epoch{1});
  }
  void lead(const std::string& name, Epoch epoch, bool present = true) {
    auto routes = std::make_shared<Routes>();
    routes->cluster = our_cluster;
    routes->table.entity_types = 1;
    routes->peers = {{"0", {}, 1, StartId{5}, present}};
    for (auto& entry : routes->table.registers) {
      const auto& last = given ? given->table.registers[0].primary : name;
      entry = after(last, name, epoch);
    }
    given = routes;
    core.routes(routes, now, *this);
    end_batch();
  }
  /// `last` was silent.
  static replication::Register after(const std::string& last, const std::string& name,
                                     Epoch epoch) {
    auto entry = led_by(name, epoch);
    entry.rule = replication::Rule::failed_over;
    entry.before = last;
    return entry;
  }
  void end_batch() {
    for (int turn = 0; turn < 3; ++turn) {  // one write at a time is under way
      core.flush(now, *this);
      peer->read_answers();
    }
  }
  /// Each of another entity of the same shard; or all of one.
  void ask_all(std::initializer_list<CommandId> commands, bool of_one = false) {
    for (const auto& command : commands) ask(0, command, of_one ? "x" : sibling(command.low));
    end_batch();
  }
  static std::string sibling(std::uint64_t number) {
    for (int i = 0;; ++i)
      if (const auto id = "x" + std::to_string(i); shard_of_id(id) == shard_of_x && number-- == 0)
        return id;
  }
  void falls() {
    core.closed(peer->theirs, now, *this);
    end_batch();
  }
  void returns() { peer = std::make_unique<OtherNode>(*this, 0, ConnId{next_conn++}), end_batch(); }
  /// The peer does not lead any more.
  void answer_moved(std::size_t request, const replication::Register& newer) {
    const auto& asked = peer->requests.at(request).first;
    Bytes payload;
    replication::append_register(payload, newer);
    wire::append_reply(*peer->links.stage(peer->links.lane_to("a", 1), 1000),
                       {.cluster_tag = wire::cluster_tag(our_cluster),
                        .session = asked.session,
                        .sequence = asked.sequence,
                        .shard = asked.shard,
                        .status = code(Errc::moved)},
                       payload);
    peer->settle();
  }
  [[nodiscard]] std::vector<CommandId> arrived() const {
    std::vector<CommandId> out;
    for (const auto& [header, entity] : peer->requests) out.push_back(header.command);
    return out;
  }
  /// Of which commands this node has the event in its log, in their order.
  [[nodiscard]] std::vector<CommandId> recorded() const {
    std::vector<CommandId> out;
    for (const auto& [at, record] : disk)
      if (const auto read = replication::read_record(record); read->command.is_set())
        out.push_back(read->command);
    return out;
  }
  std::unique_ptr<OtherNode> peer;
  std::uint64_t next_conn = 78;
};

}  // namespace

TEST_CASE("resend: what the owner had not answered as it fell goes to the next one, in order") {
  Owners bench;
  bench.ask_all({first, second});
  REQUIRE(bench.arrived() == std::vector{first, second});
  bench.falls();
  bench.ask_all({third});
  CHECK(bench.done.empty());
  bench.lead("a", Epoch{2});
  bench.sync();
  CHECK(bench.recorded() == std::vector{first, second, third});
  REQUIRE(bench.done.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(bench.said[i].empty());
  CHECK(bench.core.parked() == 0);
}

TEST_CASE("resend: what was decided before the owner fell has its effect once") {
  Owners bench;
  bench.lead("a", Epoch{2});
  bench.ask_all({first}, true);
  bench.sync();
  bench.lead("0", Epoch{3});
  bench.ask_all({first, second}, true);
  bench.falls();
  bench.lead("a", Epoch{4});
  bench.sync();
  bench.read();
  bench.sync();
  CHECK(bench.recorded() == std::vector{first, second});
  REQUIRE(bench.done.size() == 3);
  CHECK(bench.done[1].status == 0);
  CHECK(bench.done[1].value == bench.done[0].value);
  CHECK(bench.done[2].status == 0);
}

// The earlier one may have been refused, of which nobody heard, and the later one not.
TEST_CASE("resend: of several to one entity only the newest is decided anew") {
  Owners bench;
  bench.ask_all({first, second}, true);
  bench.falls();
  bench.lead("a", Epoch{2});
  bench.sync();
  CHECK(bench.recorded() == std::vector{second});
  REQUIRE(bench.done.size() == 2);
  CHECK(bench.said[0].find("outcome unknown") != std::string::npos);
  CHECK(bench.done[1].status == 0);
}

TEST_CASE("resend: an owner is not asked to decide what is behind a command that was answered") {
  Owners bench;
  bench.ask_all({first, second}, true);
  bench.peer->reply(bench.peer->requests[1].first, 0);
  bench.peer->settle();
  REQUIRE(bench.done.size() == 1);
  bench.falls();
  bench.returns();
  REQUIRE(bench.arrived() == std::vector{first});
  CHECK((bench.peer->requests[0].first.flags & wire::flag_known_only) != 0);
}

TEST_CASE("resend: a connection that is reset while its owner lives is no more than a delay") {
  Owners bench;
  bench.ask_all({first, second});
  bench.falls();
  bench.ask_all({third});
  bench.returns();
  REQUIRE(bench.arrived() == std::vector{first, second, third});
  CHECK(bench.core.counters().resent == 2);
  bench.peer->reply(bench.peer->requests[0].first, 0);
  bench.peer->settle();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.done[0].status == 0);
}

TEST_CASE("resend: where nobody leads for two seconds the sent are unknown, the others refused") {
  Owners bench;
  bench.ask_all({first});
  bench.falls();
  bench.lead("0", Epoch{1}, false);
  bench.ask_all({second});
  bench.pass(reroute_wait - 1ms);
  CHECK(bench.done.empty());
  bench.pass(1ms);
  REQUIRE(bench.done.size() == 2);
  CHECK(bench.said[0].find("outcome unknown") != std::string::npos);
  CHECK(bench.said[1].find("outcome unknown") == std::string::npos);
  for (const auto& done : bench.done) CHECK(done.status == code(Errc::unavailable));
  bench.ask_all({third});  // told at once: no fail-over came
  CHECK(bench.done.size() == 3);
  bench.lead("a", Epoch{2});
  bench.falls();
  bench.lead("0", Epoch{3}, false);
  bench.ask_all({fourth});  // another fail-over may come
  CHECK(bench.done.size() == 3);
}

TEST_CASE("resend: who leads no longer says so, and the command goes where that leads") {
  Owners bench;
  bench.ask_all({first, second});
  bench.answer_moved(0, Owners::after("0", "a", Epoch{2}));
  CHECK(bench.recorded() == std::vector{first, second});
  CHECK(bench.done.size() == 2);
}

TEST_CASE("resend: what a last primary may still be sending on is not decided anew") {
  Owners bench;
  bench.ask_all({first});
  auto routes = std::make_shared<Routes>(*bench.given);
  for (auto& entry : routes->table.registers) {
    entry = Bench::led_by("a", Epoch{2});
    entry.rule = replication::Rule::handed_over;
    entry.before = "0";
  }
  bench.core.routes(routes, bench.now, bench);
  bench.sync();
  CHECK(bench.done.empty());  // its answer comes through the peer
  bench.falls();
  bench.sync();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.said[0].find("outcome unknown") != std::string::npos);
  CHECK(bench.recorded().empty());
}

TEST_CASE(
    "resend: the answer to a command of a connection that broke is not given on another one") {
  Owners bench;
  bench.lead("a", Epoch{2});
  bench.sync();
  bench.peer->request("x", shard_of_x, 0, Epoch{2});
  REQUIRE_FALSE(bench.appends.empty());
  bench.falls();
  bench.returns();
  bench.peer->settle();
  CHECK(bench.core.counters().events == 1);
  CHECK(bench.peer->replies.empty());
}

TEST_CASE("resend: a successor that does not know yet that it leads keeps what is sent to it") {
  Owners bench;
  bench.lead("b", Epoch{1});  // whom nobody knows any more
  bench.peer->request("x", shard_of_x, 0, Epoch{2});
  CHECK(bench.peer->replies.empty());
  bench.lead("a", Epoch{2});
  bench.peer->settle();
  REQUIRE(bench.peer->replies.size() == 1);
  CHECK(bench.peer->replies[0].first.status == 0);
}

TEST_CASE("resend: when there is more to send again than a link takes, the rest waits for it") {
  Owners bench;
  const Bytes large(1024 * 1024);
  constexpr std::uint64_t count = 40;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto id = Owners::sibling(i);
    bench.core.ask({.token = i,
                    .type = bench.types[0].id,
                    .id = id,
                    .payload = large,
                    .deadline = bench.now + 5s,
                    .command = {8, i}},
                   bench.now, bench);
    bench.end_batch();
  }
  REQUIRE(bench.arrived().size() == count);
  bench.falls();
  bench.returns();
  for (std::uint64_t turn = 0; turn < count; ++turn) bench.end_batch();
  CHECK(bench.done.empty());
  REQUIRE(bench.arrived().size() == count);
  for (std::uint64_t i = 0; i < count; ++i) CHECK(bench.arrived()[i] == CommandId{8, i + 1});
}

TEST_CASE("resend: the answer of an owner that was given up is not taken for another one's") {
  Owners bench;
  bench.ask_all({first});
  bench.lead("a", Epoch{2});
  bench.peer->reply(bench.peer->requests[0].first, code(Errc::busy));
  bench.peer->settle();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.done[0].status == 0);
  CHECK(bench.recorded() == std::vector{first});
}

TEST_CASE("resend: a command without an id, which might have its effect twice, is not sent again") {
  Owners bench;
  bench.ask_all({CommandId{}});
  bench.falls();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.said[0].find("outcome unknown") != std::string::npos);
}

TEST_CASE("resend: a command whose owner fell eight times is not sent again") {
  Owners bench;
  bench.ask_all({first});
  for (int sends = 1; sends < max_sends; ++sends) {
    bench.falls();
    CHECK(bench.done.empty());
    bench.returns();
  }
  bench.falls();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.last().status == code(Errc::unavailable));
}

TEST_CASE("resend: the deadline of a command that waits for an owner is kept") {
  Owners bench;
  bench.ask(0, first, "x", 50ms);
  bench.end_batch();
  bench.falls();
  bench.pass(52ms);
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.last().status == code(Errc::deadline_exceeded));
  bench.returns();
  CHECK(bench.arrived().empty());
}

TEST_CASE("resend: a primary that is deposed sends back what waits for its commit, and reads") {
  Owners bench;
  auto routes = std::make_shared<Routes>(*bench.given);
  for (auto& entry : routes->table.registers)
    entry = {Epoch{2}, "a", StartId{1}, {our_copy, their_copy}, {our_copy, their_copy}, 1};
  bench.core.routes(routes, bench.now, bench);
  bench.peer->settle();
  bench.peer->silent = true;
  bench.peer->request("x", shard_of_x, 0, Epoch{2});
  bench.peer->request("x", shard_of_x, 1, Epoch{2});
  bench.peer->settle();
  CHECK(bench.peer->replies.empty());
  bench.peer->say(shard_of_x, {their_copy, our_copy, Epoch{3}, replication::shard_log::Append{}});
  bench.peer->settle();
  REQUIRE(bench.peer->replies.size() == 2);
  for (const auto& [header, payload] : bench.peer->replies) {
    CHECK(header.status == code(Errc::moved));
    CHECK(replication::decode_register(payload)->epoch == Epoch{2});
  }
}

TEST_CASE("resend: what was sent before the last primary but one is not decided anew") {
  Owners bench;
  bench.ask_all({first});
  auto routes = std::make_shared<Routes>(*bench.given);
  for (auto& entry : routes->table.registers) entry = Owners::after("b", "a", Epoch{3});
  bench.core.routes(routes, bench.now, bench);
  bench.end_batch();
  bench.sync();
  REQUIRE(bench.done.size() == 1);
  CHECK(bench.said[0].find("outcome unknown") != std::string::npos);
  CHECK(bench.recorded().empty());
}

TEST_CASE("resend: who knows of a later owner that is down too says so, and the sender waits") {
  Owners bench;
  bench.lead("b", Epoch{5});  // whom nobody knows any more
  bench.peer->request("x", shard_of_x, 0, Epoch{4});
  REQUIRE(bench.peer->replies.size() == 1);
  CHECK(bench.peer->replies[0].first.status == code(Errc::moved));
}
