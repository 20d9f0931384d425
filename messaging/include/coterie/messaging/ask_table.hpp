/// Asks in flight: a slab with generations and an intrusive timing wheel, because a map costs
/// 46-221 ns an ask where this costs 3-6 (docs/BENCHMARKS.md). The correlation number is
/// (generation << 32 | slot), so a late reply to a reused slot is recognised. What was sent is kept
/// with its ask, to be sent again if whoever has it falls. Thread-safety: one owner; no clock
/// inside.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"
#include "coterie/core/time.hpp"

namespace coterie::messaging {

/// Asks one worker may have open; more is `busy`. 65,536 x 96 B = 6 MiB.
inline constexpr std::size_t max_open_asks = 65'536;
/// Messages that are kept with them, per worker; one that finds no room is not sent again.
inline constexpr std::size_t max_kept_bytes = 64 * 1024 * 1024;
/// A slot that is free keeps this much memory for the next message.
inline constexpr std::size_t kept_capacity = 256;

struct OpenAsk {
  std::uint64_t token{};  ///< the asker's own name for it
  std::uint32_t lane{};   ///< where the reply must come from
  Instant deadline = never;
  std::uint64_t hash{};       ///< of the entity that is asked
  std::uint16_t shard{};      ///< its shard
  bool relayed = false;       ///< for another node
  bool lost = false;          ///< sent, and whoever got it fell or led no longer
  bool went_nowhere = false;  ///< as whoever got it last says
  std::uint32_t sent_to{};    ///< the lane of whoever got it last, where it was lost
  std::uint8_t sends = 0;
  std::uint64_t order{};  ///< in which its asker asked
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
  /// Null for one that is unknown, answered or expired; until the next open().
  [[nodiscard]] OpenAsk* find(std::uint64_t correlation);
  /// Another number for one that is open: what answers to the old one is late from now on.
  [[nodiscard]] std::uint64_t rename(std::uint64_t correlation);
  /// It goes away in this message, and its reply must come from there; how often it did by now, 0:
  /// it is not open.
  std::uint8_t sent(std::uint64_t correlation, std::uint32_t lane, ByteView message, bool keep);
  /// What was sent; empty: it was not kept. Until the next open().
  [[nodiscard]] ByteView kept(std::uint64_t correlation) const;
  /// The open asks for which `lost(ask)` holds, in the order in which they were asked; looks at
  /// all.
  template <class Lost>
  [[nodiscard]] std::vector<std::uint64_t> where(Lost lost) const {
    std::vector<std::uint64_t> found;
    for (std::uint32_t index = 0; index < slots_.size(); ++index)
      if (slots_[index].used && lost(slots_[index].ask)) found.push_back(name_of(index));
    sort_by_order(found);
    return found;
  }
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
    Bytes message{};
    std::uint32_t generation = 1;
    std::uint32_t next = none;
    std::uint32_t previous = none;
    std::uint16_t wheel = 0;
    bool used = false;
  };
  [[nodiscard]] std::uint64_t name_of(std::uint32_t index) const {
    return std::uint64_t{slots_[index].generation} << 32 | index;
  }
  [[nodiscard]] bool is_open(std::uint64_t correlation) const;
  void sort_by_order(std::vector<std::uint64_t>& found) const;
  void unlink(std::uint32_t index);
  OpenAsk release(std::uint32_t index);

  std::vector<Slot> slots_{};
  std::vector<std::uint32_t> free_{};
  std::array<std::uint32_t, wheel_slots> heads_{};
  std::int64_t turned_to_;  ///< the wheel has been read up to this slot number
  std::size_t open_ = 0, kept_bytes_ = 0;
};

}  // namespace coterie::messaging
