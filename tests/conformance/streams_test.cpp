/// One suite, two worlds: every fact holds for TCP on loopback and for the simulator's streams.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <functional>

#include "coterie/sim/world.hpp"
#include "coterie/transport/tcp_host.hpp"

using namespace coterie;

namespace {

constexpr std::size_t smallest_limit = 64 * 1024;  // a host's largest message in these worlds

/// What one side heard, in order, and how it behaves.
struct Side final : messaging::StreamHandler {
  std::vector<ConnId> accepts, connects, closes;
  std::map<ConnId, Bytes> got;
  std::map<ConnId, std::size_t> writes;
  std::size_t take_at_most = SIZE_MAX;
  bool stalled = false;
  std::vector<ConnId> late;  ///< heard of after its close
  void note(ConnId id) {
    if (std::find(closes.begin(), closes.end(), id) != closes.end()) late.push_back(id);
  }
  void accepted(ConnId id) override { accepts.push_back(id); }
  void connected(ConnId id) override { note(id), connects.push_back(id); }
  std::size_t received(ConnId id, ByteView bytes) override {
    note(id);
    const auto size = std::min(bytes.size(), take_at_most);
    append(got[id], bytes.first(size));
    return size;
  }
  void closed(ConnId id) override { note(id), closes.push_back(id); }
  void written(ConnId id) override { note(id), ++writes[id]; }
  bool congested(ConnId) override { return stalled; }
};

/// Two hosts; the second one listens.
struct StreamWorld {
  virtual ~StreamWorld() = default;
  virtual void dial(ConnId id) = 0;         ///< the first host dials the second
  virtual void dial_nobody(ConnId id) = 0;  ///< where nobody listens
  virtual void write(int side, ConnId id, Bytes bytes) = 0;
  virtual void close(int side, ConnId id) = 0;
  virtual void vanish(int side) = 0;  ///< the host is gone as with its process
  virtual void move(ConnId id) = 0;   ///< from the second host to a third one
  virtual bool until(const std::function<bool()>& done) = 0;
  Side side[3];
  ConnId open() {
    const ConnId id{++dialled};
    dial(id);
    REQUIRE(until([&] { return side[0].connects.size() == dialled && !side[1].accepts.empty(); }));
    return id;
  }
  ConnId accepted() { return side[1].accepts.back(); }
  std::size_t dialled = 0;
};

struct TcpWorld final : StreamWorld {
  TcpWorld() {
    for (int i = 0; i < 3; ++i)
      host[i] = std::make_unique<transport::TcpHost>(
          loop, side[i], ids,
          transport::TcpLimits{.read_buffer = 1024, .largest_message = smallest_limit},
          [](const std::string&) {});
    REQUIRE(host[1]->listen(address_from(Bytes{127, 0, 0, 1}, 0)).has_value());
    to = host[1]->local();
    // A port that was free a moment ago, and that nobody listens on.
    transport::TcpHost gone(loop, side[2], ids, {}, [](const std::string&) {});
    REQUIRE(gone.listen(address_from(Bytes{127, 0, 0, 1}, 0)).has_value());
    nobody = gone.local();
  }
  void dial(ConnId id) override { host[0]->dial(id, to); }
  void dial_nobody(ConnId id) override { host[0]->dial(id, nobody); }
  void write(int s, ConnId id, Bytes bytes) override { host[s]->write(id, std::move(bytes)); }
  void close(int s, ConnId id) override { host[s]->close(id); }
  void vanish(int s) override { host[s].reset(); }
  void move(ConnId id) override {
    auto released = host[1]->release(id);
    REQUIRE(released.has_value());
    host[2]->adopt(id, std::move(*released));
  }
  /// Runs the loop on this thread, a tick at a time; at most five seconds.
  bool until(const std::function<bool()>& done) override {
    const auto end = transport::EventLoop::now() + 5s;
    transport::Timer tick(loop);
    while (!done()) {
      if (transport::EventLoop::now() > end) return false;
      tick.set(transport::EventLoop::now() + 1ms, [this] { loop.stop(); });
      loop.run();
      loop.restart();
    }
    return true;
  }
  transport::EventLoop loop;
  std::atomic<std::uint64_t> ids{1'000'000};
  Address to, nobody;
  std::unique_ptr<transport::TcpHost> host[3];
};

struct SimWorld final : StreamWorld {
  SimWorld() {
    for (std::size_t i = 0; i < 3; ++i)
      host[i] = std::make_unique<sim::StreamHost>(
          world, i, side[i], sim::StreamHost::Limits{.largest_message = smallest_limit});
    host[1]->listen(sim::World::link_address(1));
  }
  void dial(ConnId id) override { host[0]->dial(id, sim::World::link_address(1)); }
  void dial_nobody(ConnId id) override { host[0]->dial(id, sim::World::link_address(9)); }
  void write(int s, ConnId id, Bytes bytes) override { host[s]->write(id, std::move(bytes)); }
  void close(int s, ConnId id) override { host[s]->close(id); }
  void vanish(int s) override { host[s].reset(); }
  void move(ConnId id) override {
    auto released = host[1]->release(id);
    REQUIRE(released.has_value());
    host[2]->adopt(id, *released);
  }
  bool until(const std::function<bool()>& done) override { return world.run_until(done, 60s); }
  sim::World world{{.seed = 1, .nodes = 3}};
  std::unique_ptr<sim::StreamHost> host[3];
};

Bytes pattern(std::size_t size, std::uint8_t first = 0) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(first + i * 7 + i / 251);
  return bytes;
}

void each_world(const std::function<void(StreamWorld&)>& check) {
  {
    INFO("TCP on loopback");
    TcpWorld tcp;
    check(tcp);
  }
  INFO("simulated streams");
  SimWorld simulated;
  check(simulated);
}

}  // namespace

TEST_CASE("streams: a dial is answered by connected on one side and accepted on the other") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    CHECK(world.side[0].connects == std::vector{id});
    CHECK(world.side[1].accepts.size() == 1);
    CHECK(world.side[0].closes.empty());
  });
}

TEST_CASE("streams: a dial to nobody is answered by closed alone") {
  each_world([](StreamWorld& world) {
    world.dial_nobody(ConnId{1});
    REQUIRE(world.until([&] { return !world.side[0].closes.empty(); }));
    CHECK(world.side[0].connects.empty());
    CHECK(world.side[0].closes == std::vector{ConnId{1}});
  });
}

TEST_CASE("streams: bytes arrive in order and whole, however they are cut, both ways") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    const auto there = pattern(300'000);
    const auto back = pattern(200'000, 9);
    for (std::size_t at = 0; at < there.size(); at += 7'777)
      world.write(
          0, id,
          to_bytes(ByteView(there).subspan(at, std::min<std::size_t>(7'777, there.size() - at))));
    world.write(1, world.accepted(), back);
    REQUIRE(world.until([&] {
      return world.side[1].got[world.accepted()].size() == there.size() &&
             world.side[0].got[id].size() == back.size();
    }));
    CHECK(world.side[1].got[world.accepted()] == there);
    CHECK(world.side[0].got[id] == back);
  });
}

TEST_CASE("streams: what was written before the connection stood goes out first") {
  each_world([](StreamWorld& world) {
    world.dial(ConnId{1});
    world.write(0, ConnId{1}, {1, 2});
    world.write(0, ConnId{1}, {3});
    REQUIRE(world.until([&] {
      return !world.side[1].accepts.empty() && world.side[1].got[world.accepted()].size() == 3;
    }));
    CHECK(world.side[1].got[world.accepted()] == Bytes{1, 2, 3});
  });
}

TEST_CASE("streams: what a reader leaves is offered again with more behind it") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    world.side[1].take_at_most = 1;
    for (std::uint8_t i = 0; i < 3; ++i) {
      world.write(0, id, {i});
      world.write(0, id, {i});
    }
    REQUIRE(world.until([&] { return !world.side[1].got[world.accepted()].empty(); }));
    world.side[1].take_at_most = SIZE_MAX;
    world.write(0, id, {9});
    REQUIRE(world.until([&] { return world.side[1].got[world.accepted()].size() == 7; }));
    CHECK(world.side[1].got[world.accepted()] == Bytes{0, 0, 1, 1, 2, 2, 9});
  });
}

TEST_CASE("streams: written is heard after what was written went out") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    CHECK(world.side[0].writes[id] == 0);
    world.write(0, id, pattern(10));
    REQUIRE(world.until([&] { return world.side[0].writes[id] == 1; }));
  });
}

TEST_CASE("streams: a reader that takes nothing stops its writer, and goes on where it stopped") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    world.side[1].stalled = true;
    const auto all = pattern(16 * 1024 * 1024);  // far beyond what buffers on the way hold
    world.write(0, id, all);
    world.write(0, id, {42});
    (void)world.until([&] { return world.side[1].got[world.accepted()].size() > smallest_limit; });
    const auto stopped = world.side[1].got[world.accepted()].size();
    CHECK(stopped < all.size());
    CHECK(world.side[0].writes[id] == 0);
    world.side[1].stalled = false;
    world.write(1, world.accepted(), {1});  // reading is looked at again after a write
    REQUIRE(
        world.until([&] { return world.side[1].got[world.accepted()].size() == all.size() + 1; }));
    CHECK(ByteView(world.side[1].got[world.accepted()]).first(all.size()).back() == all.back());
  });
}

TEST_CASE("streams: an orderly end comes after every byte, once, and nothing comes after it") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    const auto all = pattern(100'000);
    world.write(0, id, all);
    world.close(0, id);
    REQUIRE(world.until([&] { return !world.side[1].closes.empty(); }));
    CHECK(world.side[1].got[world.accepted()] == all);
    CHECK(world.side[1].closes.size() == 1);
    CHECK(world.side[1].late.empty());
    CHECK(world.side[0].closes.empty());  // who closes hears nothing more
  });
}

TEST_CASE("streams: when the other side vanishes, closed is heard once and nothing after it") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    world.write(0, id, {1});
    REQUIRE(world.until([&] { return !world.side[1].got[world.accepted()].empty(); }));
    world.vanish(1);
    REQUIRE(world.until([&] { return !world.side[0].closes.empty(); }));
    world.write(0, id, {2});  // into the void: ignored
    world.close(0, id);
    CHECK(world.side[0].closes == std::vector{id});
    CHECK(world.side[0].late.empty());
  });
}

TEST_CASE("streams: a message beyond the reader's limit ends the connection") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    world.side[1].take_at_most = 0;  // it waits for the rest of a message that is too long
    world.write(0, id, pattern(2 * smallest_limit));
    REQUIRE(world.until([&] { return !world.side[1].closes.empty(); }));
    CHECK(world.side[1].closes == std::vector{world.accepted()});
    REQUIRE(world.until([&] { return !world.side[0].closes.empty(); }));
  });
}

TEST_CASE("streams: a connection that moves to another host keeps its bytes and their order") {
  each_world([](StreamWorld& world) {
    const auto id = world.open();
    const auto there = world.accepted();
    world.side[1].take_at_most = 1;
    world.write(0, id, {1, 2, 3});
    REQUIRE(world.until([&] { return !world.side[1].got[there].empty(); }));
    REQUIRE(world.side[1].got[there] == Bytes{1});
    world.side[1].take_at_most = 0;
    world.move(there);
    world.write(0, id, {4});
    REQUIRE(world.until([&] { return world.side[2].got[there].size() == 3; }));
    CHECK(world.side[2].got[there] == Bytes{2, 3, 4});
    CHECK(world.side[2].accepts == std::vector{there});
    CHECK(world.side[1].closes.empty());
  });
}

TEST_CASE("streams: a closed connection whose peer reads nothing is cut off in time") {
  TcpWorld world;
  constexpr Duration limit = 50ms;
  transport::TcpHost host(world.loop, world.side[2], world.ids, {.close_within = limit},
                          [](const std::string&) {});
  REQUIRE(host.listen(address_from(Bytes{127, 0, 0, 1}, 0)).has_value());
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(host.local().port);
  REQUIRE(connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(world.until([&] { return !world.side[2].accepts.empty(); }));
  const Bytes much(64 * 1024 * 1024, 7);  // more than two sockets buffer
  host.write(world.side[2].accepts[0], much);
  host.close(world.side[2].accepts[0]);
  // Only afterwards does the peer read, and finds the end before all was said.
  const auto late = transport::EventLoop::now() + 4 * limit;
  std::size_t got = 0;
  Bytes buffer(1024 * 1024);
  REQUIRE(world.until([&] {
    if (transport::EventLoop::now() < late) return false;
    const auto size = recv(client, buffer.data(), buffer.size(), MSG_DONTWAIT);
    got += size > 0 ? static_cast<std::size_t>(size) : 0;
    return size == 0 || (size < 0 && errno != EAGAIN);
  }));
  CHECK(got < much.size());
  close(client);
}
