#include "shared_codec.hpp"

#include <algorithm>

namespace coterie::gossip {
namespace {

using wire::MsgpackReader;
using wire::MsgpackWriter;

constexpr std::uint32_t max_items = 1024 * 1024;  // a list that claims more has no bytes for it
constexpr std::size_t max_text = max_shared_change;
constexpr std::size_t max_replica = 300;  // a name and the mark of a life

std::uint32_t count(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

void put(MsgpackWriter& out, const GCounter& counter) {
  out.array(2 * count(counter.counts()));
  for (const auto& [replica, amount] : counter.counts()) {
    out.str(replica);
    out.unsigned_integer(amount);
  }
}
GCounter get_counter(MsgpackReader& in) {
  std::map<Replica, std::uint64_t> counts;
  for (auto left = in.array(max_items) / 2; left > 0 && in.ok(); --left) {
    auto replica = Replica(in.text(max_replica));
    counts[std::move(replica)] = in.unsigned_integer();
  }
  return GCounter::from(std::move(counts));
}

void put(MsgpackWriter& out, const PNCounter& counter) {
  out.array(2);
  put(out, counter.up());
  put(out, counter.down());
}

void put(MsgpackWriter& out, const SharedRegister& text) {
  out.array(3);
  out.unsigned_integer(text.time());
  out.str(text.writer());
  out.str(text.value());
}
SharedRegister get_register(MsgpackReader& in) {
  (void)in.array(3);
  const auto time = in.unsigned_integer(last_number);
  auto writer = Replica(in.text(max_replica));
  return SharedRegister::from(time, std::move(writer), std::string(in.text(max_text)));
}

void put(MsgpackWriter& out, const std::set<Dot>& dots) {
  out.array(2 * count(dots));
  for (const auto& dot : dots) {
    out.str(dot.replica);
    out.unsigned_integer(dot.number);
  }
}
std::set<Dot> get_dots(MsgpackReader& in) {
  std::set<Dot> dots;
  for (auto left = in.array(max_items) / 2; left > 0 && in.ok(); --left) {
    auto replica = Replica(in.text(max_replica));
    const auto number = in.unsigned_integer(last_number);
    if (number > 0) dots.insert({std::move(replica), number});
  }
  return dots;
}

void put(MsgpackWriter& out, const OrSet<std::string>& set) {
  out.array(3);
  put(out, GCounter::from(set.context().seen()));
  put(out, set.context().ahead());
  out.array(2 * count(set.items()));
  for (const auto& [item, dots] : set.items()) {
    out.str(item);
    put(out, dots);
  }
}
OrSet<std::string> get_set(MsgpackReader& in) {
  (void)in.array(3);
  auto seen = get_counter(in).counts();
  for (auto& [replica, number] : seen) number = std::min(number, last_number);
  auto context = DotContext::from(std::move(seen), get_dots(in));
  std::map<std::string, std::set<Dot>> items;
  for (auto left = in.array(max_items) / 2; left > 0 && in.ok(); --left) {
    auto item = std::string(in.text(max_text));
    items[std::move(item)] = get_dots(in);
  }
  return OrSet<std::string>::from(std::move(items), std::move(context));
}

void put(MsgpackWriter& out, const OrMap<std::string, SharedRegister>& map) {
  out.array(2);
  put(out, map.key_set());
  out.array(2 * count(map.values()));
  for (const auto& [field, text] : map.values()) {
    out.str(field);
    put(out, text);
  }
}
OrMap<std::string, SharedRegister> get_map(MsgpackReader& in) {
  (void)in.array(2);
  auto keys = get_set(in);
  std::map<std::string, SharedRegister> values;
  for (auto left = in.array(max_items) / 2; left > 0 && in.ok(); --left) {
    auto field = std::string(in.text(max_text));
    values[std::move(field)] = get_register(in);
  }
  return OrMap<std::string, SharedRegister>::from(std::move(keys), std::move(values));
}

}  // namespace

void write(MsgpackWriter& out, const SharedValue& value) {
  std::visit([&](const auto& v) { put(out, v); }, value);
}

SharedValue read(MsgpackReader& in, SharedKind kind) {
  switch (kind) {
    case SharedKind::grow_counter: return get_counter(in);
    case SharedKind::counter: {
      (void)in.array(2);
      auto up = get_counter(in);
      return PNCounter::from(std::move(up), get_counter(in));
    }
    case SharedKind::text: return get_register(in);
    case SharedKind::set: return get_set(in);
    case SharedKind::map: return get_map(in);
  }
  return GCounter{};
}

}  // namespace coterie::gossip
