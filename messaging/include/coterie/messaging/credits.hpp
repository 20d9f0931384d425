/// Credits of one lane: how much its sender may have under way to each group of shards. What waits
/// at the receiver, because a shard recovers, moves or loads an entity, keeps its credit, so a
/// shard that stands still fills its group and nothing else. Both sides count from zero with every
/// connection, and a grant says how much was taken in all: one that gets lost is made good by the
/// next. Source: credit-based flow control, Kung and Chapman, The FCVC Proposal (1993).
/// Thread-safety: values.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"

namespace coterie::messaging {

/// Shards next to each other share a group: each worker has some of every one.
inline constexpr std::size_t credit_groups = 8;
/// Of one group on one lane; the same on both sides. With 1,024 messages a lane loses 40 % of its
/// throughput, with 4,096 a tenth (docs/BENCHMARKS.md); four commands of the largest size fit.
struct CreditConfig {
  std::uint64_t messages = 8192;
  std::uint64_t bytes = 4 * 1024 * 1024 + 64 * 1024;
  /// Beyond `patient` messages of a group that have not arrived nothing more is sent while the
  /// oldest of them is older than `delay`: a queue that is longer than its callers' deadlines does
  /// nobody any good, and no bound in messages fits both fast owners and slow ones. What has
  /// arrived and waits there for its shard holds up no other shard. Source: Nichols and Jacobson,
  /// Controlling Queue Delay (2012).
  std::uint64_t patient = 64;
  Duration delay = 250ms;
  /// Arrived and not told: so exactly the sender knows it.
  [[nodiscard]] std::uint64_t untold() const { return std::min<std::uint64_t>(messages / 4, 64); }
};
/// Hello::features: this side grants credits and keeps to them.
inline constexpr std::uint64_t feature_credits = 2;

[[nodiscard]] constexpr std::size_t credit_group(ShardId shard) {
  return (shard.value >> 5) % credit_groups;
}

struct Grant {
  std::uint8_t group{};
  std::uint64_t messages{};  ///< taken since the connection began
  std::uint64_t bytes{};
  std::uint64_t arrived{};  ///< messages, those that are held as well
  friend bool operator==(const Grant&, const Grant&) = default;
};

/// The sender's side.
class CreditWindow {
 public:
  explicit CreditWindow(CreditConfig config = {}) : config_(config) {}
  /// False: the group has too much under way, or on its way for too long.
  [[nodiscard]] bool may_send(std::size_t group, std::uint64_t bytes, Instant now) const {
    const auto& g = groups_[group];
    if (g.sent - g.arrived >= config_.patient && !g.marks.empty() &&
        now - g.marks.front().at > config_.delay)
      return false;
    return g.messages < config_.messages && (g.messages == 0 || g.bytes + bytes <= config_.bytes);
  }
  void sent(std::size_t group, std::uint64_t bytes, Instant now) {
    auto& g = groups_[group];
    ++g.messages, ++g.sent, g.bytes += bytes;
    // Fewer may all have arrived, and not be told.
    if (g.sent - g.arrived > config_.untold() && g.sent % mark_every == 0)
      g.marks.push_back({g.sent, now});
  }
  /// False: it grants more than was ever sent.
  [[nodiscard]] bool granted(const Grant& grant) {
    auto& g = groups_[grant.group];
    const auto messages = grant.messages - g.taken_messages, bytes = grant.bytes - g.taken_bytes;
    if (messages > g.messages || bytes > g.bytes || grant.arrived - g.arrived > g.sent - g.arrived)
      return false;
    g.messages -= messages, g.bytes -= bytes;
    g.taken_messages = grant.messages, g.taken_bytes = grant.bytes;
    g.arrived = grant.arrived;
    while (!g.marks.empty() && g.marks.front().number <= g.arrived + config_.untold())
      g.marks.pop_front();
    return true;
  }
  [[nodiscard]] std::uint64_t under_way() const {
    std::uint64_t sum = 0;
    for (const auto& g : groups_) sum += g.messages;
    return sum;
  }

 private:
  static constexpr std::uint64_t mark_every = 16;
  struct Mark {
    std::uint64_t number{};  ///< of a message since the connection began,
    Instant at{};            ///< and when it was sent
  };
  struct Group {
    std::uint64_t messages{}, bytes{};  ///< under way
    std::uint64_t taken_messages{}, taken_bytes{};
    std::uint64_t sent{}, arrived{};  ///< since the connection began
    std::deque<Mark> marks{};         ///< of those that may not have arrived
  };
  CreditConfig config_;
  std::array<Group, credit_groups> groups_{};
};

/// The receiver's side. What is held keeps its credit; it is asked for grants only when nothing is
/// between an arrival and its place, at the end of a batch.
class CreditLedger {
 public:
  explicit CreditLedger(CreditConfig config = {}) : config_(config) {}
  void arrived(std::size_t group, std::uint64_t bytes) {
    ++groups_[group].arrived;
    groups_[group].add(1, bytes);
  }
  void held(std::size_t group, std::uint64_t bytes) { groups_[group].add(~0ULL, 0 - bytes); }
  void freed(std::size_t group, std::uint64_t bytes) { groups_[group].add(1, bytes); }
  [[nodiscard]] std::vector<Grant> due() const {
    std::vector<Grant> out;
    for (std::size_t i = 0; i < groups_.size(); ++i)
      if (is_due(groups_[i]))
        out.push_back({static_cast<std::uint8_t>(i), groups_[i].messages, groups_[i].bytes,
                       groups_[i].arrived});
    return out;
  }
  void told(const std::vector<Grant>& grants) {
    for (const auto& grant : grants)
      groups_[grant.group].told_messages = grant.messages,
      groups_[grant.group].told_bytes = grant.bytes,
      groups_[grant.group].told_arrived = grant.arrived;
  }

 private:
  struct Group {
    std::uint64_t messages{}, bytes{}, told_messages{}, told_bytes{};
    std::uint64_t arrived{}, told_arrived{};
    void add(std::uint64_t m, std::uint64_t b) { messages += m, bytes += b; }
  };
  /// At most a quarter of the window: the sender never waits for what is left untold.
  [[nodiscard]] bool is_due(const Group& g) const {
    return g.arrived - g.told_arrived >= config_.untold() ||
           g.messages - g.told_messages >= config_.messages / 4 ||
           g.bytes - g.told_bytes >= config_.bytes / 4;
  }
  CreditConfig config_;
  std::array<Group, credit_groups> groups_{};
};

inline constexpr std::size_t grant_bytes = 1 + 8 + 8 + 8;

/// The body of a credit frame.
[[nodiscard]] inline Bytes encode(const std::vector<Grant>& grants) {
  Bytes body;
  for (const auto& grant : grants) {
    append_le(body, grant.group);
    append_le(body, grant.messages);
    append_le(body, grant.bytes);
    append_le(body, grant.arrived);
  }
  return body;
}
[[nodiscard]] inline std::optional<std::vector<Grant>> decode_grants(ByteView body) {
  if (body.empty() || body.size() % grant_bytes != 0 || body.size() > credit_groups * grant_bytes)
    return std::nullopt;
  std::vector<Grant> out;
  for (std::size_t at = 0; at < body.size(); at += grant_bytes) {
    const auto* bytes = body.data() + at;
    out.push_back({*bytes, load_le<std::uint64_t>(bytes + 1), load_le<std::uint64_t>(bytes + 9),
                   load_le<std::uint64_t>(bytes + 17)});
    if (out.back().group >= credit_groups) return std::nullopt;
  }
  return out;
}

}  // namespace coterie::messaging
