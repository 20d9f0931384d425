/// What a member of a Serf pool says and repeats above memberlist: intents under a Lamport clock,
/// so that a leave is seen as one, and the first copy of every intent passed on, so that the
/// epidemic does not end here. A leave of ours that outlived our return is contradicted: who heard
/// it after we came back would show us as leaving for good. Events and queries are
/// event_layer.hpp's. Source: memberlist wire protocol, section 13. Thread-safety: one owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coterie/core/bytes.hpp"

namespace coterie::membership {

/// Messages remembered so that each is passed on once; Serf has a ring of 512 as well.
inline constexpr std::size_t serf_memory = 512;
inline constexpr std::size_t max_serf_message = 10 * 1024;  ///< 9 KiB of event and its frame
/// Ticks of the Lamport clock that a join intent is dated ahead: who restarts at once may join at a
/// member that has not heard its leave yet, and what is not later than the leave is not heeded.
/// That member's clock is behind by the intents still under way, which are a handful.
inline constexpr std::uint64_t join_lead = 16;

/// What was seen lately, by its hash; the oldest makes place. A ring, as Serf's.
class RecentMessages {
 public:
  [[nodiscard]] bool is_new(std::uint64_t hash);

 private:
  std::vector<std::uint64_t> seen_ = std::vector<std::uint64_t>(serf_memory);
  std::size_t next_ = 0;
};

class SerfLayer {
 public:
  /// `name`: our own, of whom the intents speak.
  explicit SerfLayer(std::string name) : name_(std::move(name)) {}

  /// Tags as the metadata of a member: byte 255 and a msgpack map; at most 512 bytes.
  [[nodiscard]] static Bytes encode_tags(const std::map<std::string, std::string>& tags);

  /// Of any member's metadata; one without tags has none.
  [[nodiscard]] static std::map<std::string, std::string> decode_tags(ByteView meta);

  /// A user message (type byte 8 included) for the broadcast queue.
  [[nodiscard]] Bytes join_intent();
  [[nodiscard]] Bytes leave_intent();
  /// An intent arrived: true if it is to be passed on, because it is new.
  [[nodiscard]] bool receive(ByteView payload);
  /// The user state of a state exchange: its clock is witnessed, and what it holds of us.
  void witness_state(ByteView state);
  /// Somebody holds a later word on us than our own, a leave then: to be said once, if at all.
  [[nodiscard]] bool should_rejoin() { return std::exchange(contradicted_, false) && !left_; }
  [[nodiscard]] std::uint64_t time() const { return time_; }

 private:
  [[nodiscard]] Bytes intent(std::uint8_t type);
  void witness(std::uint64_t time);
  [[nodiscard]] bool is_new(ByteView payload);

  std::string name_;
  std::uint64_t time_ = 1;
  std::uint64_t own_time_ = 0;  ///< of our last intent; 0 = none yet
  bool left_ = false;
  bool contradicted_ = false;
  RecentMessages seen_{};
};

}  // namespace coterie::membership
