/// A new build that has one entity type more, rolled out node by node, and a type that goes.
#include <doctest/doctest.h>

#include <coterie/coterie.hpp>
#include <coterie/msgpack.hpp>

#include "support/scratch_directory.hpp"

using namespace coterie;
using coterie::testing::ScratchDirectory;

namespace {

struct Tally {
  std::int64_t count = 0;
  struct Add {
    std::int64_t n{};
    MSGPACK_DEFINE(n)
  };
  using Commands = List<Add>;
  using Events = List<Add>;
  using Decision = coterie::Decision<Tally, std::int64_t>;
  Decision decide(const Add& c) const { return persist(c).reply(&Tally::count); }
  void evolve(const Add& e) { count += e.n; }
};

/// One node of two, with the types that its build has.
struct Build {
  Build(const std::string& name, const std::string& directory, const std::string& join,
        const std::vector<std::string>& types)
      : node(Node::start({.name = name,
                          .gossip = "127.0.0.1:0",
                          .link = "127.0.0.1:0",
                          .management = "127.0.0.1:0",
                          .join = join.empty() ? std::vector<std::string>{}
                                               : std::vector<std::string>{join},
                          .data = directory + "/" + name,
                          .log = [](LogLevel, std::string_view) {}})
                 .value()) {
    for (const auto& type : types) all.emplace(type, node.entities<Tally>(type));
    node.join();
  }
  /// Again and again under one command id, for a minute at most: what the last answer was.
  Result<std::int64_t> add(const std::string& type, const std::string& id, std::int64_t n) {
    const auto command = type + id + std::to_string(n);
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);;) {
      const auto reply =
          all.at(type).ref(id).ask(Tally::Add{n}, {.deadline = 2s, .command_id = command}).get();
      if (reply) return reply->value;
      if (reply.error().is(Errc::unknown_entity_type) || std::chrono::steady_clock::now() > end)
        return reply.error();
    }
  }
  Node node;
  std::map<std::string, Entities<Tally>> all{};
};

}  // namespace

TEST_CASE(
    "types: a build with one more is rolled out node by node, and one without it comes back") {
  const ScratchDirectory directory("types");
  auto a = std::make_optional<Build>("a", directory.path, "", std::vector<std::string>{"old"});
  CHECK(a->add("old", "x", 1).value() == 1);
  const auto seed = a->node.gossip_address();
  auto b =
      std::make_optional<Build>("b", directory.path, seed, std::vector<std::string>{"old", "new"});
  CHECK(b->add("old", "x", 2).value() == 3);
  // Where the old build still owns the shard nothing was done; elsewhere it is as it should be.
  for (int i = 0; i < 20; ++i) {
    const auto added = b->add("new", "early-" + std::to_string(i), 1);
    if (added) CHECK(added.value() == 1);
    else CHECK(added.error().is(Errc::unknown_entity_type));
  }
  const auto other_seed = b->node.gossip_address();
  a.reset();
  a.emplace("a", directory.path, other_seed, std::vector<std::string>{"old", "new"});
  for (int i = 0; i < 20; ++i) {
    const auto id = "late-" + std::to_string(i);
    CHECK(a->add("new", id, 1).value() == 1);
    CHECK(b->add("new", id, 2).value() == 3);
  }
  const auto last_seed = a->node.gossip_address();
  b.reset();  // the roll-out is taken back here
  b.emplace("b", directory.path, last_seed, std::vector<std::string>{"old"});
  CHECK(b->add("old", "x", 4).value() == 7);
}
