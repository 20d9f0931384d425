/// What members with our metadata have among themselves.
#include <doctest/doctest.h>

#include <algorithm>

#include "pool.hpp"

using namespace coterie;
using namespace coterie::membership;

TEST_CASE("swim: natives that agree exchange a digest, and where they differ only the difference") {
  const Bytes native{wire::native_mark};
  SwimConfig config;
  config.packet.rules.compress = false;
  config.probe_interval = 100'000s;  // nobody is probed, nobody suspected
  Swim a(config, "a", at(1), native, Random(1), Instant{1'000'000'000});
  Swim b(config, "b", at(2), native, Random(2), Instant{1'000'000'000});
  wire::PushPull all;
  for (int i = 0; i < 10'000; ++i)
    all.nodes.push_back({i == 0   ? "a"
                         : i == 1 ? "b"
                                  : "n" + std::to_string(i),
                         at(static_cast<std::uint16_t>(i + 1)), native, 1,
                         wire::PushPullState::alive, wire::native_versions});
  auto now = Instant{1'000'000'000};
  a.know(all, now);
  b.know(all, now);
  // Everything a sends to anybody goes to b; the bytes of all streams are counted.
  const auto bytes_of_exchange = [&] {
    std::size_t bytes = 0;
    for (bool done = false; !done;) {
      now = std::max(now, a.next_deadline());
      for (const auto& effect : a.tick(now)) {
        const auto* open = std::get_if<OpenStream>(&effect);
        if (open == nullptr || bytes > 0 || open->bytes.size() < 1000) continue;  // a ping
        done = true;
        bytes += open->bytes.size();
        SwimEffects answers = b.stream_accepted(ConnId{1}, now);
        for (auto& answer : b.stream_received(ConnId{1}, open->bytes, now))
          answers.push_back(std::move(answer));
        for (const auto& answer : answers) {
          const auto* write = std::get_if<WriteStream>(&answer);
          if (write == nullptr) continue;
          bytes += write->bytes.size();
          for (const auto& told : a.stream_received(open->stream, write->bytes, now)) {
            const auto* facts = std::get_if<OpenStream>(&told);
            if (facts == nullptr) continue;
            bytes += facts->bytes.size();
            (void)b.stream_accepted(ConnId{2}, now);
            (void)b.stream_received(ConnId{2}, facts->bytes, now);
          }
        }
      }
    }
    return bytes;
  };
  CHECK(bytes_of_exchange() <= 4096);  // the goal for anti-entropy with nothing to say
  const auto news = [&](Swim& to, const std::string& name, std::uint16_t port) {
    (void)to.receive(at(9), wire::encode(wire::Alive{1, name, at(port), native}), now);
  };
  news(a, "only-a", 20'001);
  news(b, "only-b", 20'002);
  CHECK(bytes_of_exchange() <= 32 * 1024);
  CHECK(a.members().contains("only-b"));
  CHECK(b.members().contains("only-a"));
}

TEST_CASE("swim: a newcomer knows what is shared once it was told, and only then can remove it") {
  const gossip::SharedKey wishes{gossip::SharedKind::map, "wishes"};
  Pool pool(1, {}, {wire::native_mark});
  auto& first = pool.nodes_[0];
  pool.run(first, first.swim->join({}, pool.now));
  CHECK(first.swim->knows_shared(pool.now));  // there is nobody to ask
  pool.run(first, first.swim->share({.key = wishes, .item = "n1", .value = "cordoned"}, pool.now));
  auto& second = pool.add("n1");
  CHECK_FALSE(second.swim->knows_shared(pool.now));
  pool.run(second, second.swim->join({at(1000)}, pool.now));
  const auto begun = pool.now;
  CHECK(pool.run_until([&] { return second.swim->knows_shared(pool.now); }, 60s));
  CHECK(pool.now - begun < shared_timeout);
  CHECK(second.swim->shared().view(wishes).items == std::vector<std::string>{"n1"});
  pool.run(second, second.swim->share({.key = wishes, .remove = true, .item = "n1"}, pool.now));
  CHECK(pool.run_until([&] { return first.swim->shared().view(wishes).items.empty(); }, 60s));
}

TEST_CASE(
    "swim: who began a pool knows what is shared, also when others came; so does who is alone") {
  Pool pool(1, {}, {wire::native_mark});
  auto& first = pool.nodes_[0];
  pool.run(first, first.swim->join({}, pool.now));
  auto& second = pool.add("n1");
  pool.run(second, second.swim->join({at(1000)}, pool.now));
  CHECK(pool.run_until([&] { return pool.all_alive(); }, 10s));
  CHECK(first.swim->knows_shared(pool.now));
  CHECK(pool.run_until([&] { return second.swim->knows_shared(pool.now); }, shared_timeout - 1ms));
  auto& third = pool.add("n2");
  pool.run(third, third.swim->join({at(999)}, pool.now));  // nobody answers there
  const auto begun = pool.now;
  CHECK_FALSE(third.swim->knows_shared(begun + shared_timeout - 1ns));
  CHECK(third.swim->knows_shared(begun + shared_timeout));
}
