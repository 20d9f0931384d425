/// AES-GCM over gossip: `version | nonce (12) | ciphertext | tag (16)`. Version 1 is what we write;
/// version 0 (PKCS#7 padding) is read as well, its padding checked. Source: memberlist wire
/// protocol, section 8. Thread-safety: pure functions.
#pragma once

#include <array>
#include <optional>

#include "coterie/wire/keyring.hpp"

namespace coterie::wire {

using Nonce = std::array<std::uint8_t, 12>;  ///< never twice under one key
inline constexpr std::size_t seal_overhead = 1 + 12 + 16;

/// Under the primary key. `context` is authenticated and not sent.
[[nodiscard]] Bytes seal(const Keyring& keys, const Nonce& nonce, ByteView plain, ByteView context);
/// Tries the keys in order; nullopt if none fits.
[[nodiscard]] std::optional<Bytes> unseal(const Keyring& keys, ByteView sealed, ByteView context);

}  // namespace coterie::wire
