/// The layers around a gossip message. A datagram: label, encryption, CRC, then the message (which
/// may be compressed); a stream: label once, encryption with a length, then the message. Opening
/// undoes exactly what closing did and says which layer refused. Source: memberlist wire protocol,
/// sections 6 to 10. Invariant: opening costs at most max_decompressed bytes, whatever arrives.
/// Thread-safety: pure functions.
#pragma once

#include <string>
#include <variant>

#include "coterie/wire/push_pull.hpp"
#include "coterie/wire/seal.hpp"

namespace coterie::wire {

inline constexpr std::size_t max_label_bytes = 255;
inline constexpr std::size_t max_sealed_stream = 20 * 1024 * 1024;  ///< memberlist's own cap
/// Of one message; a state exchange of 65,536 nodes has about 10 MiB.
inline constexpr std::size_t max_decompressed = 40 * 1024 * 1024;

struct PacketRules {
  std::string label{};          ///< both sides must have the same; empty = none
  bool compress = true;         ///< what we send; whatever arrives is understood
  bool verify_incoming = true;  ///< with keys: plain text is refused
  bool verify_outgoing = true;  ///< with keys: everything is encrypted
};

/// Which layer refused what arrived.
enum class Refusal : std::uint8_t {
  label,
  plaintext,
  key,
  checksum,
  compression,
  oversize,
  versions,
};
[[nodiscard]] std::string_view to_string(Refusal refusal);

/// Bytes that the layers add to one datagram at most.
[[nodiscard]] std::size_t packet_overhead(const PacketRules& rules, const Keyring& keys);
/// `checksum`: the receiver is known to understand CRC (protocol 5).
[[nodiscard]] Bytes close_datagram(const PacketRules& rules, const Keyring& keys,
                                   const Nonce& nonce, Bytes message, bool checksum);
/// The message: a type byte and a body. It may still be compressed.
[[nodiscard]] std::variant<Bytes, Refusal> open_datagram(const PacketRules& rules,
                                                         const Keyring& keys, ByteView datagram);

/// A message on a stream; `label`: we dialled, so the stream begins here.
[[nodiscard]] Bytes close_stream(const PacketRules& rules, const Keyring& keys, const Nonce& nonce,
                                 Bytes message, bool label);
/// Everything up to the message; a plain one may go on in what has not arrived yet, so its own
/// decoder must say whether it is whole.
struct StreamMessage {
  Bytes unfolded{};    ///< what had to be decrypted or decompressed
  ByteView message{};  ///< into `unfolded` or into what arrived
  bool whole = false;
};
/// `max`: bytes that a compressed message may unfold to.
[[nodiscard]] std::variant<StreamMessage, NeedMore, Refusal> open_stream(
    const PacketRules& rules, const Keyring& keys, ByteView bytes, bool label,
    std::size_t max = max_decompressed);

/// `message` as a compressed message (type 9).
[[nodiscard]] Bytes compress(ByteView message);
/// The inside of a compressed message's body.
[[nodiscard]] std::variant<Bytes, NeedMore, Refusal> decompress(ByteView body, std::size_t max);

/// CRC-32 (IEEE 802.3), as in zlib.
[[nodiscard]] std::uint32_t crc32(ByteView bytes);

}  // namespace coterie::wire
