/// State that every member of a native pool holds and may change at once: named delta CRDTs. A
/// change gives a delta that is gossiped; whatever was lost on the way is found by comparing
/// digests. Values of different kinds under one name are different values.
///
/// Invariants: merging in any order, twice or late, ends in the same state (tests/gossip); all of
/// it encoded has at most max_shared_bytes, so that a stream carries it. Thread-safety: a value;
/// one owner.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "coterie/gossip/crdt/lww_register.hpp"
#include "coterie/gossip/crdt/or_map.hpp"
#include "coterie/gossip/digest.hpp"

namespace coterie::gossip {

/// Encoded, all values together; a change beyond it is refused.
inline constexpr std::size_t max_shared_bytes = 4 * 1024 * 1024;
/// A delta fits into one datagram: so much for the name, the item or field, and the value together.
inline constexpr std::size_t max_shared_change = 640;

using SharedRegister = LwwRegister<std::string>;
using SharedValue = std::variant<GCounter, PNCounter, SharedRegister, OrSet<std::string>,
                                 OrMap<std::string, SharedRegister>>;
/// The position in SharedValue; on the wire.
enum class SharedKind : std::uint8_t { grow_counter, counter, text, set, map };

struct SharedKey {
  SharedKind kind{};
  std::string name{};
  friend auto operator<=>(const SharedKey&, const SharedKey&) = default;
};

/// What a member wants changed.
struct SharedChange {
  SharedKey key{};
  std::int64_t amount{};  ///< counters
  bool remove = false;    ///< sets and maps
  std::string item{};     ///< of a set, or field of a map
  std::string value{};    ///< text, or of a field
};

/// Plain, for people.
struct SharedView {
  SharedKey key{};
  std::int64_t count{};
  std::string text{};
  std::vector<std::string> items{};   ///< of a set, or fields of a map
  std::vector<std::string> values{};  ///< of the fields
  friend bool operator==(const SharedView&, const SharedView&) = default;
};

class SharedState {
 public:
  /// `self`: one life of one member; it never comes back with its counts forgotten. `limit`: bytes
  /// of all values, encoded.
  explicit SharedState(Replica self, std::size_t limit = max_shared_bytes)
      : self_(std::move(self)), limit_(limit) {}

  /// The encoded delta; nullopt if it is too large, or the state is full.
  [[nodiscard]] std::optional<Bytes> change(const SharedChange& change);
  /// Encoded entries, one or many. What they changed here; `malformed` if they do not decode.
  struct Merged {
    std::set<SharedKey> changed{};
    bool malformed = false;
    bool over_limit = false;
  };
  [[nodiscard]] Merged merge(ByteView entries);

  [[nodiscard]] Digest digest() const;
  /// The entries in these parts.
  [[nodiscard]] Bytes entries_in(const wire::PartSet& parts) const;
  [[nodiscard]] SharedView view(const SharedKey& key) const;
  [[nodiscard]] bool empty() const { return values_.empty(); }
  friend bool operator==(const SharedState& a, const SharedState& b) {
    return a.values_ == b.values_;
  }

 private:
  struct Entry {
    SharedValue value{};
    std::size_t bytes{};   ///< encoded
    std::uint64_t hash{};  ///< of the encoded value
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  void measure(const SharedKey& key, Entry& entry);
  [[nodiscard]] bool merge_one(ByteView entry, Merged& merged);

  Replica self_;
  std::size_t limit_;
  std::map<SharedKey, Entry> values_{};
  std::size_t bytes_ = 0;
};

/// [kind, name, value]: docs/WIRE.md, "Shared state".
void append_entry(Bytes& out, const SharedKey& key, const SharedValue& value);

}  // namespace coterie::gossip
