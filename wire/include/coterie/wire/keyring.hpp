/// The keys of a gossip pool: the first one encrypts, any of them decrypts, so that keys can be
/// changed while the pool runs (install the new one everywhere, use it everywhere, remove the old
/// one). Source: memberlist wire protocol, section 8. Thread-safety: one owner.
#pragma once

#include <string_view>
#include <vector>

#include "coterie/core/bytes.hpp"
#include "coterie/core/result.hpp"

namespace coterie::wire {

inline constexpr std::size_t max_keys = 16;  ///< each key costs one try for every bad datagram

class Keyring {
 public:
  /// Empty, or 16, 24 or 32 bytes each.
  [[nodiscard]] static Result<Keyring> from(std::vector<Bytes> keys);
  Keyring() = default;

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] const Bytes& primary() const { return keys_.front(); }
  [[nodiscard]] const std::vector<Bytes>& keys() const { return keys_; }
  /// Each is idempotent. Errors: a key of another length, unknown, or the primary one.
  [[nodiscard]] Status install(Bytes key);
  [[nodiscard]] Status use(const Bytes& key);
  [[nodiscard]] Status remove(const Bytes& key);

 private:
  std::vector<Bytes> keys_{};
};

/// What a flag or a file holds.
[[nodiscard]] Result<Bytes> key_from_base64(std::string_view text);
[[nodiscard]] std::string to_base64(ByteView bytes);

}  // namespace coterie::wire
