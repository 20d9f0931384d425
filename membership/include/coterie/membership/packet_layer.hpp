/// The layers around everything that one member sends and receives: label, encryption, checksum,
/// compression. Holds the keyring, which may change while the pool runs, and says at a limited rate
/// what it refused and why. Source: memberlist wire protocol, sections 6 to 10. Thread-safety: one
/// owner.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "coterie/core/log.hpp"
#include "coterie/core/random.hpp"
#include "coterie/wire/packet.hpp"

namespace coterie::membership {

struct PacketConfig {
  wire::PacketRules rules{};
  std::vector<Bytes> keys{};  ///< 16, 24 or 32 bytes each; the first encrypts; none = plain text
  wire::Versions versions = wire::native_versions;  ///< what we say that we speak
  bool serf = false;                                ///< send intents, pass on what Serf agents say
  bool events =
      true;  ///< user messages are Serf's events and queries; false: a bare memberlist pool
};

/// One line for each reason in this time, with the number of the others.
inline constexpr Duration refusal_log_interval = 10s;
/// A datagram of 64 KiB that unfolds to more than this in all, or to more messages, is cut off
/// there: it bounds what one can cost. memberlist puts at most 255 messages into one.
inline constexpr std::size_t max_datagram_message = 1024 * 1024;
inline constexpr std::size_t max_datagram_messages = 512;

class PacketLayer {
 public:
  /// The keys of `config` have been checked (wire::Keyring::from).
  PacketLayer(const PacketConfig& config, Random random);

  [[nodiscard]] wire::Keyring& keys() { return keys_; }
  [[nodiscard]] const wire::Keyring& keys() const { return keys_; }
  /// What one datagram of `packet_bytes` has left for messages.
  [[nodiscard]] std::size_t budget(std::size_t packet_bytes) const;
  [[nodiscard]] Bytes close_datagram(Bytes message, bool checksum);
  [[nodiscard]] Bytes close_stream(Bytes message, bool label);
  [[nodiscard]] std::variant<Bytes, wire::Refusal> open_datagram(ByteView datagram) const {
    return wire::open_datagram(rules_, keys_, datagram);
  }
  [[nodiscard]] std::variant<wire::StreamMessage, wire::NeedMore, wire::Refusal> open_stream(
      ByteView bytes, bool label, std::size_t max) const {
    return wire::open_stream(rules_, keys_, bytes, label, max);
  }
  /// Counts a refusal; the line to log, if it is time for one.
  [[nodiscard]] std::optional<LogEvent> refused(wire::Refusal why, const std::string& from,
                                                Instant now);
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }

 private:
  [[nodiscard]] wire::Nonce nonce();

  wire::PacketRules rules_;
  wire::Keyring keys_{};
  Random random_;
  struct Quiet {
    Instant until{};
    std::uint64_t suppressed = 0;
  };
  std::map<wire::Refusal, Quiet> quiet_{};
  std::uint64_t refusals_ = 0;
};

}  // namespace coterie::membership
