#include "coterie/sharding/entity_hash.hpp"
#include "coterie/wire/frame.hpp"
#include "rows.hpp"

namespace bench {

using namespace coterie;

namespace {

template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

}  // namespace

void codec_rows(Rows& rows, int rounds) {
  constexpr std::size_t ids = 1000;
  constexpr std::size_t count = 5'000'000;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ids; ++i)
    names.push_back("account-" + std::string(14 - std::to_string(i).size(), '0') +
                    std::to_string(i));
  std::vector<std::uint32_t> route(sharding::shard_count, 7);
  const Bytes payload(64, 1);
  for (int round = 0; round < rounds; ++round) {
    std::uint64_t sum = 0;
    const auto lookup = seconds_of([&] {
      for (std::size_t i = 0; i < count; ++i)
        sum += route[sharding::shard_of(sharding::entity_hash(names[i % ids])).value];
    });
    keep(sum);
    add(rows, "table_lookup", "ns, from a 22-byte id", lookup / count * 1e9);
    Bytes out;
    out.reserve(1 << 16);
    const auto encode = seconds_of([&] {
      for (std::size_t i = 0; i < count; ++i) {
        if (out.size() > 60'000) out.clear();
        wire::append_request(out, {.session = SessionId{1}, .sequence = i, .epoch = Epoch{1}},
                             view(names[i % ids]), payload);
        keep(out);
      }
    });
    add(rows, "codec_encode", "ns, request of 64 B", encode / count * 1e9);
    Bytes frame;
    wire::append_request(frame, {}, view(names[0]), payload);
    const auto decode = seconds_of([&] {
      for (std::size_t i = 0; i < count; ++i) {
        keep(frame);
        const auto request = wire::read_request(frame);
        keep(request);
      }
    });
    add(rows, "codec_decode", "ns, request of 64 B", decode / count * 1e9);
  }
}

}  // namespace bench
