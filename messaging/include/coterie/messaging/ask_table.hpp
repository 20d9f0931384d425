/// Asks in flight: a slab with generations and an intrusive timing wheel, because a map costs
/// 46-221 ns an ask where this costs 3-6 (docs/BENCHMARKS.md). The correlation number is
/// (generation << 32 | slot), so a late reply to a reused slot is recognised. Thread-safety: one
/// owner; no clock inside.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"

namespace coterie::messaging {

/// Asks one worker may have open; more is `busy`. 65,536 x 64 B = 4 MiB.
inline constexpr std::size_t max_open_asks = 65'536;

struct OpenAsk {
  std::uint64_t token{};  ///< the asker's own name for it
  std::uint32_t lane{};   ///< where the reply must come from
  Instant deadline = never;
  std::uint16_t shard{};  ///< of the entity that is asked
  bool relayed = false;   ///< for another node
};

class AskTable {
 public:
  explicit AskTable(Instant now);
  /// The correlation number, or nullopt when max_open_asks are open.
  [[nodiscard]] std::optional<std::uint64_t> open(const OpenAsk& ask);
  /// Its reply must come from there now; nothing for an ask that is closed.
  void expect_from(std::uint64_t correlation, std::uint32_t lane);
  /// Closes and returns the ask; nullopt for one that is unknown, answered or expired.
  [[nodiscard]] std::optional<OpenAsk> close(std::uint64_t correlation);
  /// Closes and returns every ask whose deadline is not after `now`.
  [[nodiscard]] std::vector<OpenAsk> expire(Instant now);
  /// Closes and returns every ask for which `moved(ask)` holds; looks at all.
  template <class Moved>
  [[nodiscard]] std::vector<OpenAsk> close_moved(Moved moved) {
    std::vector<OpenAsk> closed;
    for (std::uint32_t index = 0; index < slots_.size(); ++index)
      if (slots_[index].used && moved(slots_[index].ask)) closed.push_back(release(index));
    return closed;
  }
  /// Closes and returns every ask of that lane.
  [[nodiscard]] std::vector<OpenAsk> close_lane(std::uint32_t lane);
  /// Never later than the first deadline; may be earlier (an extra tick is a no-op).
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] std::size_t size() const { return open_; }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;
  static constexpr std::size_t wheel_slots = 1024;  ///< one turn is a second
  static constexpr std::int64_t slot_nanos =
      1 << 20;  ///< about a millisecond: deadlines are that coarse
  struct Slot {
    OpenAsk ask{};
    std::uint32_t generation = 1;
    std::uint32_t next = none;
    std::uint32_t previous = none;
    std::uint16_t wheel = 0;
    bool used = false;
  };
  void unlink(std::uint32_t index);
  OpenAsk release(std::uint32_t index);

  std::vector<Slot> slots_{};
  std::vector<std::uint32_t> free_{};
  std::array<std::uint32_t, wheel_slots> heads_{};
  std::int64_t turned_to_;  ///< the wheel has been read up to this slot number
  std::size_t open_ = 0;
};

}  // namespace coterie::messaging
