/// What members say of themselves beyond the 512 bytes of memberlist's metadata: the metadata holds
/// its hash, and each member fetches what it does not have on a stream, from its owner first, from
/// anybody later. Pure bookkeeping; Swim opens the streams.
///
/// Invariant: what is kept has the hash that its owner announced, and all of it together at most
/// max_details_total bytes. Thread-safety: a value; one owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "coterie/core/bytes.hpp"
#include "coterie/core/random.hpp"
#include "coterie/core/time.hpp"

namespace coterie::membership {

/// Bytes kept for all members together; beyond it details are not fetched.
inline constexpr std::size_t max_details_total = 64 * 1024 * 1024;
/// All who see a change fetch it within so long for each member, so that its owner is not run down.
inline constexpr Duration details_spread = 5ms;
/// After a fetch that brought nothing; twice as long each time, up to the longest.
inline constexpr Duration details_retry = 5s;
inline constexpr Duration details_retry_max = 10min;
/// Streams for it at once: members that never answer must not take those of everybody.
inline constexpr std::size_t max_details_streams = 8;

/// XXH3-64, and never 0, which means none.
[[nodiscard]] std::uint64_t details_hash(ByteView details);

class Details {
 public:
  /// A member announces a hash; 0 = none. True if what we held of it is no longer true.
  [[nodiscard]] bool announced(const std::string& name, std::uint64_t hash, std::size_t members,
                               Random& random, Instant now);
  /// The member is gone. True if we held something of it.
  bool forget(const std::string& name);
  /// Whose details to fetch now, one at a time.
  struct Fetch {
    std::string name{};
    bool from_owner = true;
  };
  [[nodiscard]] std::optional<Fetch> due(Instant now);
  /// Somebody answered: true if it is what was announced, and news.
  [[nodiscard]] bool fetched(const std::string& name, ByteView bytes);
  /// nullptr if we do not hold it.
  [[nodiscard]] const Bytes* find(const std::string& name) const;
  [[nodiscard]] Instant next_deadline() const { return next_; }

 private:
  struct Entry {
    std::uint64_t announced{};
    std::optional<Bytes> held{};
    Instant fetch_at = never;
    std::uint32_t attempts = 0;
  };
  std::map<std::string, Entry> entries_{};
  std::size_t total_ = 0;
  Instant next_ = never;  ///< no entry is due before
};

}  // namespace coterie::membership
