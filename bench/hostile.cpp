#include <algorithm>
#include <fstream>

#include "coterie/membership/swim.hpp"
#include "coterie/wire/compound.hpp"
#include "coterie/wire/lzw.hpp"
#include "coterie/wire/msgpack_writer.hpp"
#include "coterie/wire/packet.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;
using namespace coterie::membership;

namespace {

constexpr Instant start{1'000'000'000};
constexpr std::size_t largest_datagram = 65'507;
constexpr std::size_t read_piece = 16 * 1024;  // what the shell reads at once

Address at(std::uint16_t port) { return address_from(Bytes{127, 0, 0, 1}, port); }

/// The same part again and again, as much of it as a datagram holds.
Bytes filled(const Bytes& part) {
  const auto count = std::min<std::size_t>(255, largest_datagram / (part.size() + 2));
  return wire::pack(std::vector<Bytes>(count, part));
}

Bytes many_members(std::size_t count) {
  wire::PushPull state{.join = true};
  for (std::size_t i = 0; i < count; ++i)
    state.nodes.push_back(
        {"n" + std::to_string(i), at(1), {}, 1, wire::PushPullState::alive, wire::native_versions});
  return wire::encode(state);
}

/// LZW that learns nothing long: every code stands for two bytes at most.
Bytes slow_lzw(std::size_t size) {
  Random random(1);
  Bytes noise(size);
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(random.next());
  return wire::compress(noise);
}

struct Attack {
  const char* name;
  bool stream;
  Bytes bytes;
  bool keys = false;
};

std::vector<Attack> attacks() {
  const auto ping = wire::encode(wire::Ping{1, "me", {}});
  auto claims_all = many_members(50'000);
  claims_all.resize(4 * 1024 * 1024);
  Bytes unknown{0x08};
  wire::append_user_stream_header(unknown, 4'000'000);
  unknown.resize(4'000'000);
  return {{"datagram of pings in pings", false, filled(filled(ping))},
          {"datagram of bombs", false, filled(wire::compress(Bytes(900'000, 8)))},
          {"datagram of claims", false, filled(wire::encode(wire::Suspect{1, "me", "somebody"}))},
          {"datagram under no key of ours", false, Bytes(largest_datagram, 1), true},
          {"stream of a bomb", true, wire::compress(Bytes(39'000'000, 8))},
          {"stream of noise, compressed", true, slow_lzw(4'000'000)},
          {"stream of 8,192 members in pieces", true, many_members(8192)},
          {"stream that claims 50,000 members", true, std::move(claims_all)},
          {"stream of an unknown user message", true, std::move(unknown)}};
}

double cost_ms(const Attack& attack) {
  SwimConfig config;
  if (attack.keys)
    for (std::uint8_t i = 0; i < 4; ++i) config.packet.keys.emplace_back(32, i);
  Swim swim(config, "me", at(1), {}, Random(1), start);
  return 1000 * seconds_of([&] {
           if (!attack.stream) return void(swim.receive(at(2), attack.bytes, start));
           (void)swim.stream_accepted(ConnId{1}, start);
           const ByteView bytes = attack.bytes;
           for (std::size_t i = 0; i < bytes.size(); i += read_piece)
             (void)swim.stream_received(
                 ConnId{1}, bytes.subspan(i, std::min(read_piece, bytes.size() - i)), start);
         });
}

/// A line of /proc/self/status, in MiB.
double memory_mib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

/// The most that was in use beyond what is now, while `work` ran.
double growth_mib(const std::function<void()>& work) {
  std::ofstream("/proc/self/clear_refs") << 5;  // the high-water mark begins anew
  const auto before = memory_mib("VmRSS:");
  work();
  return memory_mib("VmHWM:") - before;
}

}  // namespace

void hostile_rows(Rows& rows, int rounds) {
  const auto all = attacks();
  for (int round = 0; round < rounds; ++round) {
    double most = 0;
    for (const auto& attack : all)
      most = std::max(most, growth_mib([&] {
                        add(rows, std::string("hostile: ") + attack.name, "ms", cost_ms(attack));
                      }));
    add(rows, "hostile: memory of the worst", "MiB", most);
  }
}

}  // namespace bench
