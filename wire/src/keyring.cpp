#include "coterie/wire/keyring.hpp"

#include <algorithm>

namespace coterie::wire {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_length(std::size_t size) { return size == 16 || size == 24 || size == 32; }

Error bad_length(std::size_t size) {
  return error(Errc::configuration, "a gossip key has 16, 24 or 32 bytes, not " +
                                        std::to_string(size) +
                                        "; make one with: head -c 32 /dev/urandom | base64");
}

}  // namespace

Result<Keyring> Keyring::from(std::vector<Bytes> keys) {
  Keyring ring;
  for (auto& key : keys)
    if (const auto installed = ring.install(std::move(key)); !installed) return installed.error();
  return ring;
}

Status Keyring::install(Bytes key) {
  if (!is_length(key.size())) return bad_length(key.size());
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return Done{};
  if (keys_.size() >= max_keys)
    return error(Errc::busy, "the keyring holds 16 keys; remove one that is no longer used");
  keys_.push_back(std::move(key));
  return Done{};
}

Status Keyring::use(const Bytes& key) {
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  if (found == keys_.end())
    return error(Errc::configuration, "the key is not in the keyring: install it first");
  std::rotate(keys_.begin(), found, found + 1);
  return Done{};
}

Status Keyring::remove(const Bytes& key) {
  if (!keys_.empty() && keys_.front() == key)
    return error(Errc::configuration, "the primary key cannot be removed: use another one first");
  std::erase(keys_, key);
  return Done{};
}

Result<Bytes> key_from_base64(std::string_view text) {
  Bytes key;
  std::uint32_t pending = 0;
  int bits = 0;
  auto body = text;
  while (!body.empty() && body.back() == '=' && text.size() - body.size() < 2)
    body.remove_suffix(1);
  for (const char c : body) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos || text.size() % 4 != 0)
      return error(Errc::configuration, "a gossip key is written in base64");
    pending = pending << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) bits -= 8, key.push_back(static_cast<std::uint8_t>(pending >> bits));
  }
  if (!is_length(key.size())) return bad_length(key.size());
  return key;
}

std::string to_base64(ByteView bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j)
      word = word << 8 | (i + j < bytes.size() ? bytes[i + j] : 0);
    const auto used = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 4; ++j) out += j <= used ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace coterie::wire
