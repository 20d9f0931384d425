#include "coterie/membership/serf.hpp"

#include <algorithm>

#include "coterie/core/hash.hpp"
#include "coterie/membership/swim_config.hpp"
#include "coterie/wire/memberlist_messages.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::membership {
namespace {

// Serf's message types; section 13.2.
constexpr std::uint8_t leave_type = 0;
constexpr std::uint8_t join_type = 1;
constexpr std::uint8_t push_pull_type = 2;
constexpr std::uint8_t tags_magic = 255;
constexpr std::uint32_t max_fields = 32;
constexpr std::uint64_t hostile_time = UINT64_MAX / 2;  // no honest clock gets there

/// What an intent, or the user state of an exchange, says of the clock and of one member.
struct Word {
  std::uint64_t time = 0;        ///< Lamport time; 0 = none
  bool about_us = false;         ///< the intent's node is the one asked for
  std::uint64_t held_of_us = 0;  ///< the state's time of the last intent of the one asked for
};

Word read_word(ByteView body, std::string_view name) {
  Word word;
  wire::MsgpackReader in(body);
  const auto fields = in.map(max_fields);
  for (std::uint32_t i = 0; i < fields && in.ok(); ++i) {
    const auto field = in.text(wire::max_name_bytes);
    if (field == "LTime") {
      word.time = in.unsigned_integer();
    } else if (field == "Node") {
      word.about_us = in.text(wire::max_name_bytes) == name;
    } else if (field == "StatusLTimes") {
      const auto members = in.map(max_members);
      for (std::uint32_t m = 0; m < members && in.ok(); ++m) {
        const bool ours = in.text(wire::max_name_bytes) == name;
        if (const auto time = in.unsigned_integer(); ours) word.held_of_us = time;
      }
    } else {
      in.skip();
    }
  }
  return in.ok() ? word : Word{};
}

}  // namespace

bool RecentMessages::is_new(std::uint64_t hash) {
  hash |= 1;  // 0 is an empty place
  if (std::find(seen_.begin(), seen_.end(), hash) != seen_.end()) return false;
  seen_[next_++ % seen_.size()] = hash;
  return true;
}

Bytes SerfLayer::encode_tags(const std::map<std::string, std::string>& tags) {
  Bytes bytes{tags_magic};
  wire::MsgpackWriter out(bytes);
  out.map(static_cast<std::uint32_t>(tags.size()));
  for (const auto& [key, value] : tags) {
    out.raw(key);
    out.raw(value);
  }
  return bytes;
}

std::map<std::string, std::string> SerfLayer::decode_tags(ByteView meta) {
  std::map<std::string, std::string> tags;
  if (meta.empty() || meta[0] != tags_magic) return tags;
  wire::MsgpackReader in(meta.subspan(1));
  const auto size = in.map(wire::max_meta_bytes);
  for (std::uint32_t i = 0; i < size && in.ok(); ++i) {
    std::string key(in.text(wire::max_meta_bytes));
    std::string value(in.text(wire::max_meta_bytes));
    if (in.ok()) tags[std::move(key)] = std::move(value);
  }
  return tags;
}

Bytes SerfLayer::join_intent() {
  time_ += join_lead;
  return intent(join_type);
}

Bytes SerfLayer::leave_intent() {
  left_ = true;
  return intent(leave_type);
}

Bytes SerfLayer::intent(std::uint8_t type) {
  Bytes bytes{static_cast<std::uint8_t>(wire::MessageType::user), type};
  wire::MsgpackWriter out(bytes);
  out.map(type == leave_type ? 3 : 2);
  out.raw("LTime");
  out.unsigned_integer(time_);
  out.raw("Node");
  out.raw(name_);
  if (type == leave_type) {
    out.raw("Prune");
    out.boolean(false);
  }
  (void)is_new(ByteView(bytes).subspan(1));  // our own need not come back
  own_time_ = time_++;
  return bytes;
}

void SerfLayer::witness(std::uint64_t time) {
  // Or ours would run out of numbers.
  if (time >= time_ && time < hostile_time) time_ = time + 1;
}

bool SerfLayer::is_new(ByteView payload) {
  TraceHash hash;
  hash.add(payload);
  return seen_.is_new(hash.value());
}

bool SerfLayer::receive(ByteView payload) {
  if (payload.empty() || payload.size() > max_serf_message) return false;
  const auto type = payload[0];
  if (type != leave_type && type != join_type) return false;
  const auto word = read_word(payload.subspan(1), name_);
  if (word.time == 0) return false;
  witness(word.time);
  const bool fresh = is_new(payload);
  if (fresh && type == leave_type && word.about_us) contradicted_ = true;
  return fresh;
}

void SerfLayer::witness_state(ByteView state) {
  if (state.empty() || state[0] != push_pull_type) return;
  const auto word = read_word(state.subspan(1), name_);
  if (word.time > 0) witness(word.time - 1);
  if (word.held_of_us <= own_time_ || word.held_of_us >= hostile_time) return;
  witness(word.held_of_us);
  contradicted_ = true;
}

}  // namespace coterie::membership
