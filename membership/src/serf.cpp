#include "coterie/membership/serf.hpp"

#include <algorithm>

#include "coterie/core/hash.hpp"
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

/// The Lamport time of any of these messages; 0 = none.
std::uint64_t time_of(ByteView body) {
  wire::MsgpackReader in(body);
  const auto fields = in.map(max_fields);
  for (std::uint32_t i = 0; i < fields && in.ok(); ++i) {
    if (in.text(wire::max_name_bytes) == "LTime") {
      const auto time = in.unsigned_integer();
      return in.ok() ? time : 0;
    }
    in.skip();
  }
  return 0;
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

Bytes SerfLayer::intent(std::uint8_t type, const std::string& name) {
  Bytes bytes{static_cast<std::uint8_t>(wire::MessageType::user), type};
  wire::MsgpackWriter out(bytes);
  out.map(type == leave_type ? 3 : 2);
  out.raw("LTime");
  out.unsigned_integer(time_);
  out.raw("Node");
  out.raw(name);
  if (type == leave_type) {
    out.raw("Prune");
    out.boolean(false);
  }
  (void)is_new(ByteView(bytes).subspan(1));  // our own need not come back
  ++time_;
  return bytes;
}

void SerfLayer::witness(std::uint64_t time) {
  // A hostile clock must not run ours out of numbers.
  if (time >= time_ && time < UINT64_MAX / 2) time_ = time + 1;
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
  const auto time = time_of(payload.subspan(1));
  if (time == 0) return false;
  witness(time);
  return is_new(payload);
}

void SerfLayer::witness_state(ByteView state) {
  if (state.empty() || state[0] != push_pull_type) return;
  if (const auto time = time_of(state.subspan(1)); time > 0) witness(time - 1);
}

}  // namespace coterie::membership
